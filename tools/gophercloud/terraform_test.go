package gophercloud

import (
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/stacks"
)

// waited asks for a stack by its id alone until it is in the wanted state, as Terraform's provider does. From the
// first answer on no other state but the pending one may be seen: Terraform gives up on one that it does not expect.
func waited(t *testing.T, heat *gophercloud.ServiceClient, id, pending, wanted string) *stacks.RetrievedStack {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		stack, err := stacks.Find(heat, id).Extract()
		good(t, err)
		if stack.Status == wanted {
			return stack
		}
		if stack.Status != pending {
			t.Fatalf("%s on the way to %s: %s", stack.Status, wanted, stack.StatusReason)
		}
	}
	t.Fatalf("not %s in time", wanted)
	return nil
}

// The life of an openstack_orchestration_stack_v1: made, read, changed, read, destroyed, and gone when looked for.
func TestLifeOfATerraformResource(t *testing.T) {
	heat := user(t)
	text := `
heat_template_version: 2018-08-31
description: Of Terraform
parameters:
  names: {type: comma_delimited_list, default: [a, b]}
  more: {type: json, default: {x: [1, 2]}}
  good: {type: boolean, default: true}
resources:
  net: {type: OS::Neutron::Net, properties: {name: {list_join: ['-', {get_param: names}]}}}
  word: {type: OS::Heat::RandomString}
outputs:
  net: {value: {get_resource: net}, description: Its id}
  more: {value: {get_param: more}}
`
	environment := func(names string) *stacks.Environment {
		return &stacks.Environment{TE: stacks.TE{Bin: []byte("parameters: {names: '" + names + "'}")}}
	}
	name := named(t, "terraform")
	parameters := func(found map[string]string) {
		t.Helper()
		same(t, "names", found["names"], "c,d")
		same(t, "more", strings.ReplaceAll(found["more"], " ", ""), `{"x":[1,2]}`)
		same(t, "good", found["good"], "True")
	}
	seen, err := stacks.Preview(heat, stacks.PreviewOpts{
		Name: name, Timeout: 30, TemplateOpts: written(text), EnvironmentOpts: environment("c,d")}).Extract()
	good(t, err)
	parameters(seen.Parameters)
	created, err := stacks.Create(heat, stacks.CreateOpts{
		Name: name, TemplateOpts: written(text), EnvironmentOpts: environment("c,d"),
		DisableRollback: gophercloud.Enabled, Timeout: 30, Tags: []string{"made", "by-terraform"}}).Extract()
	good(t, err)
	before := waited(t, heat, created.ID, "CREATE_IN_PROGRESS", "CREATE_COMPLETE")
	parameters(before.Parameters)
	same(t, "tags", before.Tags, []string{"made", "by-terraform"})
	same(t, "outputs", len(before.Outputs), 2)
	for _, output := range before.Outputs {
		_, told := output["description"].(string)
		holds(t, "an output without description", told)
	}
	same(t, "more told", outputs(before)["more"], map[string]interface{}{"x": []interface{}{1.0, 2.0}})

	good(t, stacks.Update(heat, before.Name, before.ID, stacks.UpdateOpts{
		TemplateOpts: written(text), EnvironmentOpts: environment("e,f"), Timeout: 31,
		Tags: []string{"changed"}}).ExtractErr())
	after := waited(t, heat, created.ID, "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE")
	same(t, "names", after.Parameters["names"], "e,f")
	same(t, "the network", outputs(after)["net"], outputs(before)["net"])
	same(t, "tags", after.Tags, []string{"changed"})

	good(t, stacks.Delete(heat, after.Name, after.ID).ExtractErr())
	waited(t, heat, created.ID, "DELETE_IN_PROGRESS", "DELETE_COMPLETE")
	// A refresh reads a stack that somebody deleted, and finds the name free again.
	again := made(t, heat, stacks.CreateOpts{Name: name})
	holds(t, "the same id again", again.ID != created.ID)
}
