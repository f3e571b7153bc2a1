package gophercloud

import (
	"testing"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/apiversions"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/buildinfo"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/resourcetypes"
)

func TestVersions(t *testing.T) {
	heat := user(t)
	pages, err := apiversions.ListVersions(heat).AllPages()
	good(t, err)
	found, err := apiversions.ExtractAPIVersions(pages)
	good(t, err)
	same(t, "versions", len(found), 1)
	same(t, "id and status", found[0].ID+" "+found[0].Status, "v1.0 CURRENT")
	same(t, "link", found[0].Links[0].Rel, "self")
}

func TestRevisions(t *testing.T) {
	info, err := buildinfo.Get(user(t)).Extract()
	good(t, err)
	holds(t, "a revision without name", info.API.Revision != "" && info.Engine.Revision != "")
}

func types(t *testing.T, heat *gophercloud.ServiceClient, opts resourcetypes.ListOptsBuilder) []resourcetypes.ResourceTypeSummary {
	t.Helper()
	found, err := resourcetypes.List(heat, opts).Extract()
	good(t, err)
	return found
}

func TestTypeList(t *testing.T) {
	heat := user(t)
	all := types(t, heat, nil)
	holds(t, "few types", len(all) > 50)
	same(t, "one", types(t, heat, resourcetypes.ListOpts{NameRegex: "OS::Heat::RandomS"}),
		[]resourcetypes.ResourceTypeSummary{{ResourceType: "OS::Heat::RandomString"}})
	same(t, "a bad expression", len(types(t, heat, resourcetypes.ListOpts{NameRegex: "("})), 0)
	told := types(t, heat, resourcetypes.ListOpts{NameRegex: "OS::Heat::RandomS", WithDescription: true})
	same(t, "one with description", len(told), 1)
	holds(t, "no description", told[0].ResourceType == "OS::Heat::RandomString" && told[0].Description != "")
	some := map[string]bool{}
	for _, status := range []resourcetypes.SupportStatus{
		resourcetypes.SupportStatusSupported, resourcetypes.SupportStatusDeprecated,
		resourcetypes.SupportStatusUnsupported, resourcetypes.SupportStatusUnknown} {
		for _, each := range types(t, heat, resourcetypes.ListOpts{SupportStatus: status}) {
			some[each.ResourceType] = true
		}
	}
	without := []string{}
	for _, each := range all {
		if !some[each.ResourceType] {
			without = append(without, each.ResourceType)
		}
	}
	// What the operator's files map to a template has no status of its own.
	same(t, "of no status", without, []string{"AWS::RDS::DBInstance"})
	refused(t, resourcetypes.List(heat, resourcetypes.ListOpts{SupportStatus: "GOOD"}).Err, &gophercloud.ErrDefault400{})
}

// Every type is read into the client's structs and has only what these know, and templates of both formats.
func TestEverySchema(t *testing.T) {
	heat := user(t)
	known := map[resourcetypes.PropertyType]bool{
		resourcetypes.StringProperty: true, resourcetypes.IntegerProperty: true, resourcetypes.NumberProperty: true,
		resourcetypes.BooleanProperty: true, resourcetypes.MapProperty: true, resourcetypes.ListProperty: true,
		resourcetypes.UntypedProperty: true}
	constraints := 0
	var look func(where string, properties map[string]resourcetypes.PropertySchema)
	look = func(where string, properties map[string]resourcetypes.PropertySchema) {
		for name, property := range properties {
			holds(t, where+"."+name+" is of type "+string(property.Type), known[property.Type])
			holds(t, where+"."+name+" is immutable and may be updated", !(property.Immutable && property.UpdateAllowed))
			for _, each := range property.Constraints {
				constraints++
				holds(t, where+"."+name+" has a constraint of no kind", each.Range != nil || each.Length != nil ||
					each.Modulo != nil || each.AllowedValues != nil || each.AllowedPattern != nil || each.CustomConstraint != nil)
			}
			look(where+"."+name, property.Schema)
		}
	}
	for _, each := range types(t, heat, nil) {
		schema, err := resourcetypes.GetSchema(heat, each.ResourceType).Extract()
		if err != nil {
			t.Errorf("%s: %v", each.ResourceType, err)
			continue
		}
		same(t, "type", schema.ResourceType, each.ResourceType)
		holds(t, each.ResourceType+" has no status", schema.SupportStatus.Status != "")
		for name, attribute := range schema.Attributes {
			holds(t, each.ResourceType+"."+name+" is of type "+string(attribute.Type), attribute.Type == "" || known[attribute.Type])
		}
		look(each.ResourceType, schema.Properties)
		for format, key := range map[resourcetypes.GeneratedTemplateType]string{
			resourcetypes.TemplateTypeHOT: "heat_template_version", resourcetypes.TemplateTypeCFn: "HeatTemplateFormatVersion"} {
			template, err := resourcetypes.GenerateTemplate(heat, each.ResourceType,
				resourcetypes.GenerateTemplateOpts{TemplateType: format}).Extract()
			if err != nil {
				t.Errorf("%s as %s: %v", each.ResourceType, format, err)
				continue
			}
			holds(t, each.ResourceType+" as "+string(format), template[key] != nil)
		}
	}
	holds(t, "few constraints", constraints > 100)
}

func TestTypeRefusals(t *testing.T) {
	heat := user(t)
	refused(t, resourcetypes.GetSchema(heat, "OS::No::Such").Err, &gophercloud.ErrDefault404{})
	refused(t, resourcetypes.GenerateTemplate(heat, "OS::No::Such", nil).Err, &gophercloud.ErrDefault404{})
	refused(t, resourcetypes.GenerateTemplate(heat, "OS::Heat::Value",
		resourcetypes.GenerateTemplateOpts{TemplateType: "yaml"}).Err, &gophercloud.ErrDefault400{})
}
