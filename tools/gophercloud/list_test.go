package gophercloud

import (
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/stacks"
)

func listed(t *testing.T, heat *gophercloud.ServiceClient, opts stacks.ListOptsBuilder) []stacks.ListedStack {
	t.Helper()
	pages, err := stacks.List(heat, opts).AllPages()
	good(t, err)
	found, err := stacks.ExtractStacks(pages)
	good(t, err)
	return found
}

// names of those stacks among the listed that have one of ours, in the order of the list.
func names(found []stacks.ListedStack, ours map[string]string) []string {
	listed := []string{}
	for _, each := range found {
		if short, is := ours[each.ID]; is {
			listed = append(listed, short)
		}
	}
	return listed
}

func TestList(t *testing.T) {
	heat := user(t)
	ours := map[string]string{}
	byName := map[string]*stacks.RetrievedStack{}
	for name, tags := range map[string][]string{"b": {"red"}, "a": {"red", "round"}, "d": {"round"}, "c": nil, "e": {"hidden"}} {
		stack := made(t, heat, stacks.CreateOpts{Name: named(t, name), Tags: tags})
		ours[stack.ID], byName[name] = name, stack
	}
	good(t, stacks.UpdatePatch(heat, byName["c"].Name, byName["c"].ID, stacks.UpdateOpts{TemplateOpts: written(small)}).ExtractErr())
	rested(t, heat, byName["c"].Name, byName["c"].ID)
	gone := made(t, heat, stacks.CreateOpts{Name: named(t, "gone")})
	ours[gone.ID] = "gone"
	good(t, stacks.Delete(heat, gone.Name, gone.ID).ExtractErr())
	rested(t, heat, gone.Name, gone.ID)
	pair := pair(t, heat)
	up := stacks.SortDir("asc")

	for _, each := range []struct {
		what string
		opts stacks.ListOptsBuilder
		want []string
	}{
		{"by name", stacks.ListOpts{SortKey: stacks.SortName}, []string{"a", "b", "c", "d"}},
		{"by name, downwards", stacks.ListOpts{SortKey: stacks.SortName, SortDir: stacks.SortDesc}, []string{"d", "c", "b", "a"}},
		{"by stack_name", stacks.ListOpts{SortKey: "stack_name", SortDir: up}, []string{"a", "b", "c", "d"}},
		{"by update", stacks.ListOpts{SortKey: stacks.SortUpdatedAt, SortDir: stacks.SortDesc, Status: "UPDATE_COMPLETE"}, []string{"c"}},
		{"by status", stacks.ListOpts{SortKey: stacks.SortStatus, Name: byName["a"].Name}, []string{"a"}},
		{"one name", stacks.ListOpts{Name: byName["b"].Name}, []string{"b"}},
		{"one id", stacks.ListOpts{ID: byName["d"].ID}, []string{"d"}},
		{"no such id", stacks.ListOpts{ID: "none"}, []string{}},
		{"a bare status", stacks.ListOpts{Status: "COMPLETE", SortKey: stacks.SortName}, []string{"a", "b", "c", "d"}},
		{"a status nobody has", stacks.ListOpts{Status: "FAILED"}, []string{}},
		{"with deleted", stacks.ListOpts{ShowDeleted: true, SortKey: stacks.SortName}, []string{"a", "b", "c", "d", "gone"}},
		{"a tag", stacks.ListOpts{Tags: "red", SortKey: stacks.SortName}, []string{"a", "b"}},
		{"both tags", stacks.ListOpts{Tags: "red,round", SortKey: stacks.SortName}, []string{"a"}},
		{"any tag", stacks.ListOpts{TagsAny: "red,round", SortKey: stacks.SortName}, []string{"a", "b", "d"}},
		{"not both tags", stacks.ListOpts{NotTags: "red,round", SortKey: stacks.SortName}, []string{"b", "c", "d"}},
		{"not any tag", stacks.ListOpts{NotTagsAny: "red,round", SortKey: stacks.SortName}, []string{"c"}},
		{"a filter that the service has not", stacks.ListOpts{TenantID: "none", SortKey: stacks.SortName}, []string{"a", "b", "c", "d"}},
	} {
		same(t, each.what, names(listed(t, heat, each.opts), ours), each.want)
	}

	newest := names(listed(t, heat, nil), ours)
	oldest := names(listed(t, heat, stacks.ListOpts{SortKey: stacks.SortCreatedAt, SortDir: stacks.SortAsc}), ours)
	same(t, "how many", len(newest), 4)
	for i, each := range newest {
		same(t, "the other way round", oldest[len(oldest)-1-i], each)
	}

	row := listed(t, heat, stacks.ListOpts{Name: byName["c"].Name})[0]
	recent(t, "creation", row.CreationTime)
	recent(t, "update", row.UpdatedTime)
	same(t, "name", row.Name, byName["c"].Name)
	same(t, "status", row.Status, "UPDATE_COMPLETE")
	same(t, "reason", row.StatusReason, "Stack UPDATE completed successfully; nothing had to be changed")
	same(t, "description", row.Description, "")
	same(t, "links", row.Links, byName["c"].Links)
	same(t, "tags", listed(t, heat, stacks.ListOpts{Name: byName["a"].Name})[0].Tags, []string{"red", "round"})

	nested := 0
	for _, each := range listed(t, heat, stacks.ListOpts{ShowNested: true}) {
		if len(each.Name) > len(pair.Name) && each.Name[:len(pair.Name)] == pair.Name {
			nested++
		}
	}
	same(t, "nested", nested, 2)
}

// Stacks come on one page; who wants several asks for each by its marker.
func TestListInPages(t *testing.T) {
	heat := user(t)
	ours := map[string]string{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		ours[made(t, heat, stacks.CreateOpts{Name: named(t, name), Tags: []string{"paged"}}).ID] = name
	}
	seen, marker, pages := []string{}, "", 0
	for {
		page := listed(t, heat, stacks.ListOpts{Tags: "paged", Limit: 2, Marker: marker, SortKey: stacks.SortName})
		if len(page) == 0 {
			break
		}
		seen, marker, pages = append(seen, names(page, ours)...), page[len(page)-1].ID, pages+1
	}
	same(t, "seen", seen, []string{"a", "b", "c", "d", "e"})
	same(t, "pages", pages, 3)
	err := stacks.List(heat, stacks.ListOpts{SortDir: "sideways"}).EachPage(nil)
	said := refused(t, err, &gophercloud.ErrDefault400{})
	holds(t, said, len(said) > 10)
}

// The service's policy lets administrators list the stacks of all projects.
func TestListOfAllProjects(t *testing.T) {
	heat, boss := user(t), admin(t)
	stack := made(t, heat, stacks.CreateOpts{})
	ours := map[string]string{stack.ID: "ours"}
	same(t, "of all", names(listed(t, boss, stacks.ListOpts{AllTenants: true}), ours), []string{"ours"})
	same(t, "of a name", names(listed(t, boss, stacks.ListOpts{AllTenants: true, Name: "none"}), ours), []string{})
	err := stacks.List(heat, stacks.ListOpts{AllTenants: true}).EachPage(nil)
	said := refused(t, err, &gophercloud.ErrDefault403{})
	holds(t, said, strings.HasPrefix(said, "Forbidden: "))
}
