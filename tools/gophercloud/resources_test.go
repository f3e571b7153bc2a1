package gophercloud

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/stackresources"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/stacks"
)

func resourceNames(found []stackresources.Resource) []string {
	names := []string{}
	for _, each := range found {
		names = append(names, each.Name)
	}
	return inOrder(names)
}

func resources(t *testing.T, heat *gophercloud.ServiceClient, stack *stacks.RetrievedStack,
	opts stackresources.ListOptsBuilder) []stackresources.Resource {
	t.Helper()
	pages, err := stackresources.List(heat, stack.Name, stack.ID, opts).AllPages()
	good(t, err)
	found, err := stackresources.ExtractResources(pages)
	good(t, err)
	return found
}

func TestResourceFindAndList(t *testing.T) {
	heat := user(t)
	stack := pair(t, heat)
	own := []string{"first", "second", "third"}
	for _, words := range []string{stack.Name, stack.ID} {
		found, err := stackresources.Find(heat, words).Extract()
		good(t, err)
		same(t, "found", resourceNames(found), own)
	}
	same(t, "listed", resourceNames(resources(t, heat, stack, nil)), own)
	deep := resources(t, heat, stack, stackresources.ListOpts{Depth: 1})
	same(t, "with nested", resourceNames(deep), []string{"first", "kept", "kept", "second", "third"})
	parents := []string{}
	for _, each := range deep {
		if each.Name == "kept" {
			parents = append(parents, each.ParentResource)
			rels := []string{}
			for _, link := range each.Links {
				rels = append(rels, link.Rel)
			}
			same(t, "links", inOrder(rels), []string{"self", "stack"})
		}
		recent(t, each.Name, each.CreationTime)
		recent(t, each.Name, each.UpdatedTime)
		same(t, each.Name, each.Status+" "+each.StatusReason, "CREATE_COMPLETE state changed")
		same(t, each.Name+" as logical id", each.LogicalID, each.Name)
		holds(t, each.Name+" has no physical id", each.PhysicalID != "")
	}
	same(t, "parents", inOrder(parents), []string{"second", "third"})
	_, err := stackresources.Find(heat, "no-such-stack").Extract()
	refused(t, err, &gophercloud.ErrDefault404{})
	refused(t, stackresources.List(heat, stack.Name, "none", nil).EachPage(nil), &gophercloud.ErrDefault404{})
}

func TestResourceGetAndMetadata(t *testing.T) {
	heat := user(t)
	stack := pair(t, heat)
	first, err := stackresources.Get(heat, stack.Name, stack.ID, "first").Extract()
	good(t, err)
	same(t, "type", first.Type, "OS::Heat::RandomString")
	same(t, "description", first.Description, "")
	same(t, "parent", first.ParentResource, "")
	same(t, "required by", first.RequiredBy, []interface{}{"second"})
	same(t, "word", first.Attributes["value"].(string)+" as noted", outputs(stack)["word"])
	recent(t, "creation", first.CreationTime)
	second, err := stackresources.Get(heat, stack.Name, stack.ID, "second").Extract()
	good(t, err)
	holds(t, "type "+second.Type, strings.HasPrefix(second.Type, "file:///") && strings.HasSuffix(second.Type, "/testdata/word.yaml"))
	nested := ""
	for _, link := range second.Links {
		if link.Rel == "nested" {
			nested = link.Href
		}
	}
	holds(t, "nested "+nested, strings.HasSuffix(nested, "/"+second.PhysicalID))
	metadata, err := stackresources.Metadata(heat, stack.Name, stack.ID, "first").Extract()
	good(t, err)
	same(t, "metadata", metadata, map[string]string{"colour": "red", "shape": "round"})
	metadata, err = stackresources.Metadata(heat, stack.Name, stack.ID, "second").Extract()
	good(t, err)
	same(t, "no metadata", metadata, map[string]string{})
	said := refused(t, stackresources.Get(heat, stack.Name, stack.ID, "none").Err, &gophercloud.ErrDefault404{})
	same(t, "said", said, "ResourceNotFound: The Resource (none) could not be found in Stack "+stack.Name+".")
	refused(t, stackresources.Metadata(heat, stack.Name, stack.ID, "none").Err, &gophercloud.ErrDefault404{})
}

func TestResourceMarkUnhealthy(t *testing.T) {
	heat := user(t)
	stack := pair(t, heat)
	mark := func(name string, bad bool, why string) error {
		return stackresources.MarkUnhealthy(heat, stack.Name, stack.ID, name,
			stackresources.MarkUnhealthyOpts{MarkUnhealthy: bad, ResourceStatusReason: why}).ExtractErr()
	}
	state := func() string {
		first, err := stackresources.Get(heat, stack.Name, stack.ID, "first").Extract()
		good(t, err)
		return first.Status + " " + first.StatusReason
	}
	good(t, mark("first", true, "It looks ill."))
	same(t, "state", state(), "CHECK_FAILED It looks ill.")
	good(t, mark("first", false, "It is well."))
	same(t, "state", state(), "CHECK_COMPLETE It is well.")
	refused(t, mark("none", true, ""), &gophercloud.ErrDefault404{})
}

func TestResourceTypesSchemaAndTemplate(t *testing.T) {
	heat := user(t)
	pages, err := stackresources.ListTypes(heat).AllPages()
	good(t, err)
	types, err := stackresources.ExtractResourceTypes(pages)
	good(t, err)
	holds(t, "few types", types.Len() > 50)
	schema, err := stackresources.Schema(heat, "OS::Heat::RandomString").Extract()
	good(t, err)
	same(t, "type", schema.ResourceType, "OS::Heat::RandomString")
	same(t, "attribute", schema.Attributes["value"].(map[string]interface{})["type"], "string")
	same(t, "property", schema.Properties["length"].(map[string]interface{})["type"], "integer")
	same(t, "status", schema.SupportStatus["status"], "SUPPORTED")
	text, err := stackresources.Template(heat, "OS::Heat::RandomString").Extract()
	good(t, err)
	template := map[string]interface{}{}
	good(t, json.Unmarshal(text, &template))
	holds(t, "no CFN template", template["HeatTemplateFormatVersion"] == "2012-12-12")
	said := refused(t, stackresources.Schema(heat, "OS::No::Such").Err, &gophercloud.ErrDefault404{})
	same(t, "said", said, "EntityNotFound: The Resource Type (OS::No::Such) could not be found.")
	refused(t, stackresources.Template(heat, "OS::No::Such").Err, &gophercloud.ErrDefault404{})
}
