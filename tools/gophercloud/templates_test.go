package gophercloud

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/stacks"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/stacktemplates"
)

func TestTemplateGet(t *testing.T) {
	heat := user(t)
	stack := made(t, heat, stacks.CreateOpts{})
	text, err := stacktemplates.Get(heat, stack.Name, stack.ID).Extract()
	good(t, err)
	var got, want interface{}
	good(t, json.Unmarshal(text, &got))
	good(t, json.Unmarshal([]byte(small), &want))
	same(t, "template", got, want)
	refused(t, stacktemplates.Get(heat, stack.Name, "none").Err, &gophercloud.ErrDefault404{})
}

func TestTemplateValidate(t *testing.T) {
	heat := user(t)
	validate := func(text string) (*stacktemplates.ValidatedTemplate, error) {
		return stacktemplates.Validate(heat, stacktemplates.ValidateOpts{Template: text}).Extract()
	}
	seen, err := validate(`
heat_template_version: 2018-08-31
description: Looked at
parameters:
  count: {type: number, default: 3, label: How many, description: of them, constraints: [{range: {min: 1, max: 5}}]}
  name: {type: string, hidden: true, constraints: [{allowed_values: [a, b]}, {length: {min: 1}}]}
resources: {}
`)
	good(t, err)
	same(t, "description", seen.Description, "Looked at")
	count := seen.Parameters["count"].(map[string]interface{})
	same(t, "count", count["Type"], "Number")
	same(t, "default", count["Default"], 3.0)
	same(t, "label", count["Label"], "How many")
	same(t, "maximum", count["MaxValue"], 5.0)
	name := seen.Parameters["name"].(map[string]interface{})
	same(t, "hidden", name["NoEcho"], "true")
	same(t, "values", name["AllowedValues"], []interface{}{"a", "b"})
	_, err = validate("heat_template_version: 1999-01-01")
	said := refused(t, err, &gophercloud.ErrDefault400{})
	holds(t, said, strings.Contains(said, "1999-01-01"))
	_, err = validate("heat_template_version: 2018-08-31\nresources: {a: {type: OS::Heat::Value, depends_on: b}}")
	refused(t, err, &gophercloud.ErrDefault400{})
	_, err = stacktemplates.Validate(heat, stacktemplates.ValidateOpts{TemplateURL: "file:///etc/passwd"}).Extract()
	refused(t, err, &gophercloud.ErrDefault400{})
}
