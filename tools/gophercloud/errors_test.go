package gophercloud

import (
	"os"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack"
	"github.com/gophercloud/gophercloud/openstack/identity/v3/applicationcredentials"
	"github.com/gophercloud/gophercloud/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/stacks"
)

func TestRefusals(t *testing.T) {
	heat := user(t)
	stack := made(t, heat, stacks.CreateOpts{})
	create := func(name, template string) error {
		return stacks.Create(heat, stacks.CreateOpts{Name: name, TemplateOpts: written(template)}).Err
	}
	said := refused(t, create(stack.Name, small), &gophercloud.ErrDefault409{})
	same(t, "twice", said, "StackExists: The Stack ("+stack.Name+") already exists.")
	said = refused(t, create("1st", small), &gophercloud.ErrDefault400{})
	holds(t, said, strings.Contains(said, "1st"))
	said = refused(t, create(named(t, "x"), `{"resources": {}}`), &gophercloud.ErrDefault400{})
	holds(t, said, strings.Contains(said, "Template format version not found"))
	said = refused(t, create(named(t, "x"), strings.Replace(small, "OS::Heat::Value", "OS::Heat::Valu", 1)),
		&gophercloud.ErrDefault400{})
	holds(t, said, strings.Contains(said, "OS::Heat::Valu"))
	said = refused(t, create(named(t, "x"), strings.Replace(small, `"value"`, `"valu"`, 1)), &gophercloud.ErrDefault400{})
	holds(t, said, strings.Contains(said, "valu"))
	said = refused(t, stacks.UpdatePatch(heat, stack.Name, stack.ID, stacks.UpdateOpts{
		Parameters: map[string]interface{}{"none": "x"}}).Err, &gophercloud.ErrDefault400{})
	holds(t, said, strings.HasPrefix(said, "UnknownUserParameter: "))
	refused(t, stacks.Get(heat, "another-name", stack.ID).Err, &gophercloud.ErrDefault404{})
	refused(t, stacks.Update(heat, "none", "none", stacks.UpdateOpts{TemplateOpts: written(small)}).Err,
		&gophercloud.ErrDefault404{})
	refused(t, stacks.Abandon(heat, "none", "none").Err, &gophercloud.ErrDefault404{})
}

func TestDeleteWhileUnderWay(t *testing.T) {
	heat := user(t)
	name := named(t, "slow")
	created, err := stacks.Create(heat, stacks.CreateOpts{Name: name, TemplateOpts: written(`
heat_template_version: 2018-08-31
resources:
  slow: {type: OS::Heat::TestResource, properties: {value: x, action_wait_secs: {create: 300}}}
`)}).Extract()
	good(t, err)
	stack, err := stacks.Get(heat, name, created.ID).Extract()
	good(t, err)
	same(t, "status", stack.Status, "CREATE_IN_PROGRESS")
	// A deletion stops the creation that is under way.
	good(t, stacks.Delete(heat, name, created.ID).ExtractErr())
	same(t, "status", rested(t, heat, name, created.ID).Status, "DELETE_COMPLETE")
}

func TestNeighboursSeeNothing(t *testing.T) {
	heat, other := user(t), neighbour(t)
	stack := made(t, heat, stacks.CreateOpts{})
	refused(t, stacks.Get(other, stack.Name, stack.ID).Err, &gophercloud.ErrDefault404{})
	refused(t, stacks.Find(other, stack.ID).Err, &gophercloud.ErrDefault404{})
	refused(t, stacks.Delete(other, stack.Name, stack.ID).Err, &gophercloud.ErrDefault404{})
	same(t, "listed", len(listed(t, other, stacks.ListOpts{ShowDeleted: true, ShowNested: true})), 0)
}

// A token that is no longer good is asked for anew by the client, whose request is then answered.
func TestTokenIsAskedForAnew(t *testing.T) {
	heat := user(t)
	stack := made(t, heat, stacks.CreateOpts{})
	heat.ProviderClient.SetToken("no-longer-good")
	found, err := stacks.Find(heat, stack.Name).Extract()
	good(t, err)
	same(t, "found", found.ID, stack.ID)
	stale := *heat.ProviderClient
	stale.ReauthFunc = nil
	stale.SetToken("no-longer-good")
	err = stacks.Find(&gophercloud.ServiceClient{ProviderClient: &stale, Endpoint: heat.Endpoint}, stack.Name).Err
	_, is := err.(gophercloud.ErrDefault401)
	holds(t, "not refused as 401", is)
}

// Keystone lets programs make no trusts, and so no stacks; that is told, and all else they may do.
func TestApplicationCredential(t *testing.T) {
	heat := user(t)
	keystone, err := openstack.NewIdentityV3(heat.ProviderClient, gophercloud.EndpointOpts{Region: os.Getenv("OS_REGION_NAME")})
	good(t, err)
	me, err := tokens.Get(keystone, heat.Token()).ExtractUser()
	good(t, err)
	credential, err := applicationcredentials.Create(keystone, me.ID, applicationcredentials.CreateOpts{
		Name: named(t, "program"), Unrestricted: true}).Extract()
	good(t, err)
	t.Cleanup(func() { good(t, applicationcredentials.Delete(keystone, me.ID, credential.ID).ExtractErr()) })
	program := loggedIn(t, gophercloud.AuthOptions{
		ApplicationCredentialID: credential.ID, ApplicationCredentialSecret: credential.Secret})
	err = stacks.Create(program, stacks.CreateOpts{Name: named(t, "x"), TemplateOpts: written(small)}).Err
	said := refused(t, err, &gophercloud.ErrDefault403{})
	holds(t, said, strings.HasPrefix(said, "Forbidden: ") && strings.Contains(said, "not allowed for managing trusts"))
	holds(t, "the client does not tell why: "+err.Error(), strings.Contains(err.Error(), "managing trusts"))
	stack := made(t, heat, stacks.CreateOpts{})
	good(t, stacks.UpdatePatch(program, stack.Name, stack.ID, stacks.UpdateOpts{Tags: []string{"x"}}).ExtractErr())
	same(t, "status", rested(t, program, stack.Name, stack.ID).Status, "UPDATE_COMPLETE")
	good(t, stacks.Delete(program, stack.Name, stack.ID).ExtractErr())
	same(t, "status", rested(t, heat, stack.Name, stack.ID).Status, "DELETE_COMPLETE")
}
