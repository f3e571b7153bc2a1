package gophercloud

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/stacks"
)

func pair(t *testing.T, heat *gophercloud.ServiceClient) *stacks.RetrievedStack {
	t.Helper()
	return made(t, heat, stacks.CreateOpts{
		TemplateOpts: filed(), EnvironmentOpts: surroundings(t), Timeout: 7, Tags: []string{"red", "round"},
		DisableRollback: gophercloud.Enabled, Parameters: map[string]interface{}{"length": 10}})
}

func outputs(stack *stacks.RetrievedStack) map[string]interface{} {
	found := map[string]interface{}{}
	for _, each := range stack.Outputs {
		found[each["output_key"].(string)] = each["output_value"]
	}
	return found
}

func TestCreateAndGet(t *testing.T) {
	heat := user(t)
	stack := pair(t, heat)
	same(t, "status", stack.Status, "CREATE_COMPLETE")
	same(t, "reason", stack.StatusReason, "Stack CREATE completed successfully")
	same(t, "description", stack.Description, "Two words")
	same(t, "template's description", stack.TemplateDescription, "Two words")
	same(t, "rollback disabled", stack.DisableRollback, true)
	same(t, "timeout", stack.Timeout, 7)
	same(t, "tags", stack.Tags, []string{"red", "round"})
	same(t, "capabilities", stack.Capabilities, []interface{}{})
	same(t, "topics", stack.NotificationTopics, []interface{}{})
	recent(t, "creation", stack.CreationTime)
	holds(t, "an update that never was", stack.UpdatedTime.IsZero())
	same(t, "parameters", stack.Parameters, map[string]string{
		"OS::project_id": stack.Parameters["OS::project_id"], "OS::stack_id": stack.ID, "OS::stack_name": stack.Name,
		"length": "10", "secret": "******", "said": "hello"})
	same(t, "links", len(stack.Links), 1)
	same(t, "link", stack.Links[0].Rel, "self")
	holds(t, "where it is: "+stack.Links[0].Href, strings.HasSuffix(stack.Links[0].Href, "/stacks/"+stack.Name+"/"+stack.ID))
	told := outputs(stack)
	word, _ := told["word"].(string)
	same(t, "length of the word", len(word), len("0123456789 as noted"))
	same(t, "said", told["said"], "hello hush")
	same(t, "sizes", told["sizes"], []interface{}{1.0, 2.5, map[string]interface{}{"deep": []interface{}{true, nil}}})
}

func TestFind(t *testing.T) {
	heat := user(t)
	stack := made(t, heat, stacks.CreateOpts{})
	for _, words := range []string{stack.Name, stack.ID} {
		found, err := stacks.Find(heat, words).Extract()
		good(t, err)
		same(t, "found", found, stack)
	}
	_, err := stacks.Find(heat, "no-such-stack").Extract()
	said := refused(t, err, &gophercloud.ErrDefault404{})
	same(t, "said", said, "EntityNotFound: The Stack (no-such-stack) could not be found.")
}

func TestUpdate(t *testing.T) {
	heat := user(t)
	before := pair(t, heat)
	err := stacks.Update(heat, before.Name, before.ID, stacks.UpdateOpts{
		TemplateOpts: filed(), EnvironmentOpts: surroundings(t), Timeout: 9, Tags: []string{"blue"},
		Parameters: map[string]interface{}{"said": "goodbye", "length": 10}}).ExtractErr()
	good(t, err)
	after := rested(t, heat, before.Name, before.ID)
	same(t, "status", after.Status, "UPDATE_COMPLETE")
	same(t, "timeout", after.Timeout, 9)
	same(t, "tags", after.Tags, []string{"blue"})
	same(t, "rollback as it was", after.DisableRollback, true)
	same(t, "created as it was", after.CreationTime, before.CreationTime)
	recent(t, "update", after.UpdatedTime)
	same(t, "said", outputs(after)["said"], "goodbye hush")
	same(t, "word as it was", outputs(after)["word"], outputs(before)["word"])
	err = stacks.Update(heat, before.Name, before.ID, stacks.UpdateOpts{}).ExtractErr()
	_, own := err.(stacks.ErrTemplateRequired)
	holds(t, "a template was not asked for", own)
}

func TestUpdatePatch(t *testing.T) {
	heat := user(t)
	before := pair(t, heat)
	err := stacks.UpdatePatch(heat, before.Name, before.ID, stacks.UpdateOpts{
		Parameters: map[string]interface{}{"said": "patched"}}).ExtractErr()
	good(t, err)
	after := rested(t, heat, before.Name, before.ID)
	same(t, "status", after.Status, "UPDATE_COMPLETE")
	same(t, "said", outputs(after)["said"], "patched hush")
	same(t, "word as it was", outputs(after)["word"], outputs(before)["word"])
	same(t, "tags as they were", after.Tags, before.Tags)
	same(t, "timeout as it was", after.Timeout, 7)
	good(t, stacks.UpdatePatch(heat, before.Name, before.ID, stacks.UpdateOpts{Tags: []string{"new"}}).ExtractErr())
	after = rested(t, heat, before.Name, before.ID)
	same(t, "tags", after.Tags, []string{"new"})
	same(t, "said as it was", outputs(after)["said"], "patched hush")
	good(t, stacks.UpdatePatch(heat, before.Name, before.ID, stacks.UpdateOpts{TemplateOpts: written(small)}).ExtractErr())
	after = rested(t, heat, before.Name, before.ID)
	same(t, "description", after.Description, "Small")
	same(t, "outputs", len(after.Outputs), 0)
}

func TestDelete(t *testing.T) {
	heat := user(t)
	stack := made(t, heat, stacks.CreateOpts{})
	good(t, stacks.Delete(heat, stack.Name, stack.ID).ExtractErr())
	gone := rested(t, heat, stack.Name, stack.ID)
	same(t, "status", gone.Status, "DELETE_COMPLETE")
	gone, err := stacks.Find(heat, stack.ID).Extract()
	good(t, err)
	same(t, "status by its id", gone.Status, "DELETE_COMPLETE")
	_, err = stacks.Find(heat, stack.Name).Extract()
	refused(t, err, &gophercloud.ErrDefault404{})
	refused(t, stacks.Delete(heat, stack.Name, stack.ID).ExtractErr(), &gophercloud.ErrDefault404{})
}

func TestPreview(t *testing.T) {
	heat := user(t)
	name := named(t, "seen")
	seen, err := stacks.Preview(heat, stacks.PreviewOpts{
		Name: name, Timeout: 7, TemplateOpts: filed(), EnvironmentOpts: surroundings(t),
		DisableRollback: gophercloud.Disabled, Parameters: map[string]interface{}{"said": "before"}}).Extract()
	good(t, err)
	same(t, "name", seen.Name, name)
	same(t, "description", seen.Description, "Two words")
	same(t, "template's description", seen.TemplateDescription, "Two words")
	same(t, "timeout", seen.Timeout, 7)
	same(t, "rollback disabled", seen.DisableRollback, false)
	same(t, "said", seen.Parameters["said"], "before")
	same(t, "secret", seen.Parameters["secret"], "******")
	recent(t, "creation", seen.CreationTime)
	holds(t, "an update that never was", seen.UpdatedTime.IsZero())
	same(t, "links", len(seen.Links), 1)
	types := map[string]string{}
	for _, each := range seen.Resources {
		// A nested stack is told as the list of what will be in it.
		if resource, plain := each.(map[string]interface{}); plain {
			types[resource["resource_name"].(string)] = resource["resource_type"].(string)
		}
	}
	same(t, "type", types["first"], "OS::Heat::RandomString")
	same(t, "resources", len(seen.Resources), 3)
	_, err = stacks.Find(heat, name).Extract()
	refused(t, err, &gophercloud.ErrDefault404{})
}

func TestAbandonAndAdopt(t *testing.T) {
	heat := user(t)
	stack := pair(t, heat)
	result := stacks.Abandon(heat, stack.Name, stack.ID)
	left, err := result.Extract()
	good(t, err)
	same(t, "name", left.Name, stack.Name)
	same(t, "id", left.ID, stack.ID)
	same(t, "action", left.Action, "CREATE")
	same(t, "status", left.Status, "COMPLETE")
	same(t, "project", left.ProjectID, stack.Parameters["OS::project_id"])
	same(t, "template", left.Template["description"], "Two words")
	same(t, "resources", len(left.Resources), 3)
	same(t, "files", len(left.Files), 2)
	same(t, "said", left.Environment["parameters"].(map[string]interface{})["said"], "hello")
	first := left.Resources["first"].(map[string]interface{})
	holds(t, "no id of the first", first["resource_id"] != "")
	same(t, "left", rested(t, heat, stack.Name, stack.ID).Status, "DELETE_COMPLETE")
	_, err = stacks.Find(heat, stack.Name).Extract()
	refused(t, err, &gophercloud.ErrDefault404{})

	data, err := json.Marshal(left)
	good(t, err)
	name := named(t, "adopted")
	adopted, err := stacks.Adopt(heat, stacks.AdoptOpts{
		Name: name, AdoptStackData: string(data), TemplateOpts: filed(), EnvironmentOpts: surroundings(t),
		Timeout: 5, DisableRollback: gophercloud.Enabled, Parameters: map[string]interface{}{"length": 10}}).Extract()
	good(t, err)
	t.Cleanup(func() { good(t, stacks.Delete(heat, name, adopted.ID).ExtractErr()) })
	same(t, "links", len(adopted.Links), 1)
	again := rested(t, heat, name, adopted.ID)
	same(t, "status", again.Status+" "+again.StatusReason, "ADOPT_COMPLETE Stack ADOPT completed successfully")
	same(t, "word as it was", outputs(again)["word"], outputs(stack)["word"])
	same(t, "timeout", again.Timeout, 5)

	// What the client calls the result's text has the stack one floor deeper; that is no data to adopt.
	text, err := result.String()
	good(t, err)
	_, err = stacks.Adopt(heat, stacks.AdoptOpts{
		Name: named(t, "deeper"), AdoptStackData: text, TemplateOpts: written(small)}).Extract()
	refused(t, err, &gophercloud.ErrDefault400{})
}

func TestCreateFails(t *testing.T) {
	heat := user(t)
	name := named(t, "bad")
	created, err := stacks.Create(heat, stacks.CreateOpts{Name: name, TemplateOpts: written(failing)}).Extract()
	good(t, err)
	holds(t, "where it is", len(created.Links) == 1 && strings.HasSuffix(created.Links[0].Href, name+"/"+created.ID))
	stack := rested(t, heat, name, created.ID)
	same(t, "status", stack.Status, "CREATE_FAILED")
	holds(t, "why: "+stack.StatusReason, strings.Contains(stack.StatusReason, "resources.bad"))
	good(t, stacks.Delete(heat, name, created.ID).ExtractErr())
	same(t, "status", rested(t, heat, name, created.ID).Status, "DELETE_COMPLETE")
}
