// Package gophercloud drives a Heat with Go's client for OpenStack, call by call. tools/conformance starts the
// service, names it in OS_AUTH_URL and its kin, and runs these tests and those that the client itself brings.
package gophercloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/stacks"
)

const patience = 60 * time.Second

const small = `{"heat_template_version": "2018-08-31", "description": "Small",
"resources": {"one": {"type": "OS::Heat::Value", "properties": {"value": "x"}}}}`

const failing = `
heat_template_version: 2018-08-31
resources:
  bad: {type: OS::Heat::TestResource, properties: {value: x, fail: true}}
`

// user is the client of the user whom the environment names.
func user(t *testing.T) *gophercloud.ServiceClient {
	t.Helper()
	return client(t, os.Getenv("OS_USERNAME"), os.Getenv("OS_PASSWORD"), os.Getenv("OS_PROJECT_NAME"))
}

func admin(t *testing.T) *gophercloud.ServiceClient {
	t.Helper()
	return client(t, "admin", "admin", "admin")
}

// neighbour is a user of another project.
func neighbour(t *testing.T) *gophercloud.ServiceClient {
	t.Helper()
	name := os.Getenv("HEAT_NEIGHBOUR")
	return client(t, name, os.Getenv("HEAT_NEIGHBOUR_PASSWORD"), name)
}

func client(t *testing.T, name, password, project string) *gophercloud.ServiceClient {
	t.Helper()
	return loggedIn(t, gophercloud.AuthOptions{
		Username: name, Password: password, DomainName: "Default", TenantName: project, AllowReauth: true})
}

func loggedIn(t *testing.T, words gophercloud.AuthOptions) *gophercloud.ServiceClient {
	t.Helper()
	words.IdentityEndpoint = os.Getenv("OS_AUTH_URL")
	provider, err := openstack.AuthenticatedClient(words)
	good(t, err)
	heat, err := openstack.NewOrchestrationV1(provider, gophercloud.EndpointOpts{Region: os.Getenv("OS_REGION_NAME")})
	good(t, err)
	return heat
}

func good(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%T: %v", err, err)
	}
}

func same(t *testing.T, what string, got, want interface{}) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %#v, not %#v", what, got, want)
	}
}

func holds(t *testing.T, what string, true bool) {
	t.Helper()
	if !true {
		t.Error(what)
	}
}

// recent says that a time was read, and as one of now.
func recent(t *testing.T, what string, when time.Time) {
	t.Helper()
	if ago := time.Since(when); ago < -5*time.Second || ago > 10*time.Minute {
		t.Errorf("%s: %s is not of now", what, when)
	}
	_, offset := when.Zone()
	same(t, what+" from UTC", offset, 0)
}

func inOrder(names []string) []string {
	sorted := append([]string{}, names...)
	sort.Strings(sorted)
	return sorted
}

// refused is what the service said to a refusal; target points at the error type that it must have come as.
func refused(t *testing.T, err error, target interface{}) string {
	t.Helper()
	if err == nil {
		t.Fatalf("was let through instead of %T", target)
	}
	if !errors.As(err, target) {
		t.Fatalf("%T instead of %T: %v", err, target, err)
	}
	answer := reflect.ValueOf(target).Elem().FieldByName("ErrUnexpectedResponseCode").Interface().(gophercloud.ErrUnexpectedResponseCode)
	var fault struct {
		Code  int
		Title string
		Error struct{ Message, Type string }
	}
	if json.Unmarshal(answer.Body, &fault) != nil {
		t.Fatalf("no fault: %s", answer.Body)
	}
	same(t, "code", fault.Code, answer.GetStatusCode())
	holds(t, "a fault without title", fault.Title != "")
	return fault.Error.Type + ": " + fault.Error.Message
}

func named(t *testing.T, prefix string) string {
	return fmt.Sprintf("%s-%d", prefix, time.Now().UnixNano())
}

// made is a stack that was created and came to rest; it is deleted when the test ends.
func made(t *testing.T, heat *gophercloud.ServiceClient, opts stacks.CreateOpts) *stacks.RetrievedStack {
	t.Helper()
	if opts.Name == "" {
		opts.Name = named(t, "go")
	}
	if opts.TemplateOpts == nil {
		opts.TemplateOpts = written(small)
	}
	created, err := stacks.Create(heat, opts).Extract()
	good(t, err)
	t.Cleanup(func() {
		err := stacks.Delete(heat, opts.Name, created.ID).ExtractErr()
		if _, gone := err.(gophercloud.ErrDefault404); err != nil && !gone {
			t.Errorf("delete %s: %v", opts.Name, err)
		}
	})
	stack := rested(t, heat, opts.Name, created.ID)
	if !strings.HasSuffix(stack.Status, "_COMPLETE") {
		t.Fatalf("%s: %s", stack.Status, stack.StatusReason)
	}
	return stack
}

func rested(t *testing.T, heat *gophercloud.ServiceClient, name, id string) *stacks.RetrievedStack {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		stack, err := stacks.Get(heat, name, id).Extract()
		good(t, err)
		if !strings.HasSuffix(stack.Status, "_IN_PROGRESS") {
			return stack
		}
		if time.Now().After(end) {
			t.Fatalf("%s: still %s", name, stack.Status)
		}
	}
}

func written(text string) *stacks.Template {
	return &stacks.Template{TE: stacks.TE{Bin: []byte(text)}}
}

// filed is the template of two words with the files that it names, which the client looks for from here.
func filed() *stacks.Template {
	return &stacks.Template{TE: stacks.TE{URL: "testdata/pair.yaml"}}
}

// surroundings name their file by its whole address, since the client leaves an environment as it is written.
func surroundings(t *testing.T) *stacks.Environment {
	t.Helper()
	here, err := os.Getwd()
	good(t, err)
	return &stacks.Environment{TE: stacks.TE{Bin: []byte(`
parameters: {said: hello}
parameter_defaults: {length: 12, secret: hush}
resource_registry: {"Our::Word": "file://` + here + `/testdata/word.yaml"}
`)}}
}
