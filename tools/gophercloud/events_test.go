package gophercloud

import (
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/stackevents"
	"github.com/gophercloud/gophercloud/openstack/orchestration/v1/stacks"
	"github.com/gophercloud/gophercloud/pagination"
)

func told(events []stackevents.Event) []string {
	words := []string{}
	for _, each := range events {
		words = append(words, each.ResourceName+" "+each.ResourceStatus)
	}
	return words
}

func ids(events []stackevents.Event) []string {
	found := []string{}
	for _, each := range events {
		found = append(found, each.ID)
	}
	return found
}

func backwards(words []string) []string {
	turned := []string{}
	for i := range words {
		turned = append(turned, words[len(words)-1-i])
	}
	return turned
}

// walked is what all pages of a pager hold, and how many there were: no more than a hundred.
func walked(pager pagination.Pager) (events []stackevents.Event, pages int, err error) {
	err = pager.EachPage(func(page pagination.Page) (bool, error) {
		found, err := stackevents.ExtractEvents(page)
		events, pages = append(events, found...), pages+1
		return pages < 100, err
	})
	return
}

func TestEventFindAndList(t *testing.T) {
	heat := user(t)
	stack := made(t, heat, stacks.CreateOpts{})
	name := stack.Name
	inTime := []string{name + " CREATE_IN_PROGRESS", "one CREATE_IN_PROGRESS", "one CREATE_COMPLETE", name + " CREATE_COMPLETE"}
	found, err := stackevents.Find(heat, name).Extract()
	good(t, err)
	same(t, "found", told(found), backwards(inTime))
	for _, each := range found {
		recent(t, each.ResourceName, each.Time)
		same(t, "logical id", each.LogicalResourceID, each.ResourceName)
		holds(t, "no id", len(each.ID) == 36)
		holds(t, "no reason", each.ResourceStatusReason != "")
		same(t, "self", each.Links[0].Rel, "self")
		holds(t, each.Links[0].Href, strings.HasSuffix(each.Links[0].Href,
			stack.ID+"/resources/"+each.ResourceName+"/events/"+each.ID))
	}
	same(t, "the stack's id", found[0].PhysicalResourceID, stack.ID)

	list := func(opts stackevents.ListOpts) []stackevents.Event {
		t.Helper()
		pages, err := stackevents.List(heat, name, stack.ID, opts).AllPages()
		good(t, err)
		events, err := stackevents.ExtractEvents(pages)
		good(t, err)
		return events
	}
	oldest := stackevents.ListOpts{SortKey: stackevents.SortCreatedAt, SortDir: stackevents.SortAsc}
	with := func(change func(*stackevents.ListOpts)) []string {
		t.Helper()
		opts := oldest
		change(&opts)
		return told(list(opts))
	}
	same(t, "in time", told(list(oldest)), inTime)
	same(t, "against time", told(list(stackevents.ListOpts{SortDir: stackevents.SortDesc})), backwards(inTime))
	same(t, "against time by a key", told(list(stackevents.ListOpts{
		SortKey: stackevents.SortCreatedAt, SortDir: stackevents.SortDesc})), backwards(inTime))
	same(t, "by type", len(list(stackevents.ListOpts{SortKey: stackevents.SortResourceType})), 4)
	same(t, "of a resource", with(func(o *stackevents.ListOpts) { o.ResourceNames = []string{"one"} }), inTime[1:3])
	same(t, "of two", with(func(o *stackevents.ListOpts) { o.ResourceNames = []string{"one", name} }), inTime)
	same(t, "of a type", with(func(o *stackevents.ListOpts) { o.ResourceTypes = []string{"OS::Heat::Stack"} }),
		[]string{inTime[0], inTime[3]})
	same(t, "of a status", with(func(o *stackevents.ListOpts) {
		o.ResourceStatuses = []stackevents.ResourceStatus{stackevents.ResourceStatusComplete}
	}), inTime[2:])
	same(t, "of two statuses", with(func(o *stackevents.ListOpts) {
		o.ResourceStatuses = []stackevents.ResourceStatus{"COMPLETE", "IN_PROGRESS"}
	}), inTime)
	same(t, "of actions", with(func(o *stackevents.ListOpts) {
		o.ResourceActions = []stackevents.ResourceAction{stackevents.ResourceActionCreate, stackevents.ResourceActionUpdate}
	}), inTime)
	same(t, "of no such action", with(func(o *stackevents.ListOpts) {
		o.ResourceActions = []stackevents.ResourceAction{stackevents.ResourceActionSuspend}
	}), []string{})
	same(t, "after the second", with(func(o *stackevents.ListOpts) { o.Marker = list(oldest)[1].ID }), inTime[2:])
	refused(t, stackevents.Find(heat, "no-such-stack").Err, &gophercloud.ErrDefault404{})
	refused(t, stackevents.List(heat, name, "none", nil).EachPage(nil), &gophercloud.ErrDefault404{})
}

func TestEventsInPages(t *testing.T) {
	heat := user(t)
	stack := pair(t, heat)
	all, err := stackevents.Find(heat, stack.ID).Extract()
	good(t, err)
	for limit, want := range map[int]int{1: 8, 3: 3, 4: 2, 8: 1, 100: 1} {
		events, pages, err := walked(stackevents.List(heat, stack.Name, stack.ID, stackevents.ListOpts{Limit: limit}))
		good(t, err)
		same(t, "pages", pages, want)
		same(t, "events", ids(events), ids(all))
		events, _, err = walked(stackevents.List(heat, stack.Name, stack.ID,
			stackevents.ListOpts{Limit: limit, SortKey: stackevents.SortCreatedAt}))
		good(t, err)
		same(t, "events the other way round", ids(events), backwards(ids(all)))
		names := []string{}
		events, _, err = walked(stackevents.List(heat, stack.Name, stack.ID,
			stackevents.ListOpts{Limit: limit, SortKey: stackevents.SortResourceType, SortDir: stackevents.SortAsc}))
		good(t, err)
		for _, each := range events {
			names = append(names, each.ID)
		}
		same(t, "events by type", inOrder(names), inOrder(ids(all)))
	}
}

// The pager asks on until nothing is left, and of one resource's events nothing is told as 404.
func TestEventsOfAResource(t *testing.T) {
	heat := user(t)
	stack := pair(t, heat)
	list := func(opts stackevents.ListResourceEventsOptsBuilder) []stackevents.Event {
		t.Helper()
		events, _, err := walked(stackevents.ListResourceEvents(heat, stack.Name, stack.ID, "first", opts))
		said := refused(t, err, &gophercloud.ErrDefault404{})
		same(t, "said", said, "HTTPNotFound: No events found for resource first")
		return events
	}
	inTime := []string{"first CREATE_IN_PROGRESS", "first CREATE_COMPLETE"}
	same(t, "all", told(list(nil)), backwards(inTime))
	same(t, "in pages", told(list(stackevents.ListResourceEventsOpts{Limit: 1, SortKey: stackevents.SortCreatedAt})), inTime)
	same(t, "of a status", told(list(stackevents.ListResourceEventsOpts{ResourceStatuses: []string{"COMPLETE"}})), inTime[1:])
	same(t, "of an action", told(list(stackevents.ListResourceEventsOpts{ResourceActions: []string{"CREATE"}})), backwards(inTime))
	same(t, "of a type", told(list(stackevents.ListResourceEventsOpts{ResourceTypes: []string{"OS::Heat::Value"}})), []string{})
	err := stackevents.ListResourceEvents(heat, stack.Name, stack.ID, "none", nil).EachPage(nil)
	refused(t, err, &gophercloud.ErrDefault404{})

	events := list(stackevents.ListResourceEventsOpts{SortDir: stackevents.SortAsc})
	event, err := stackevents.Get(heat, stack.Name, stack.ID, "first", events[0].ID).Extract()
	good(t, err)
	same(t, "event", event.ID+" "+event.ResourceName+" "+event.ResourceStatus, events[0].ID+" "+inTime[0])
	same(t, "properties", event.ResourceProperties["length"], 10.0)
	same(t, "time", event.Time, events[0].Time)
	same(t, "links", len(event.Links), 3)
	refused(t, stackevents.Get(heat, stack.Name, stack.ID, "first", "none").Err, &gophercloud.ErrDefault404{})
	refused(t, stackevents.Get(heat, stack.Name, stack.ID, "second", event.ID).Err, &gophercloud.ErrDefault404{})
}
