/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One listener for containers, and a row of places for instances' own. Limits are small: a
 * request here is a line and a few headers.
 */
#include "cli/endpoint.h"

#include "base/log.h"
#include "base/str.h"
#include "svc/sts/endpoint.h"

enum { HEADER_BYTES = 8 * 1024, HEADERS = 40, BODY_BYTES = 1024, CONNECTIONS = 64, IDLE_S = 10, DRAIN_MS = 1000 };

struct instance {
	int port;
	struct http_server *server; /* NULL: the place is free */
};

struct endpoint {
	struct app *app;
	struct http_listen at;
	struct http_server *containers;
	struct instance instances[WORKLOAD_INSTANCES_MAX];
};

static struct status listen_at(struct endpoint *e, int port, http_handler *handler, struct http_server **out)
{
	struct http_listen l = { .addr = e->at.addr, .port = port };
	struct http_options o = {
		.listen = &l,
		.n_listen = 1,
		.threads = 1,
		.limits = { .header_bytes = HEADER_BYTES,
			    .headers = HEADERS,
			    .body_bytes = BODY_BYTES,
			    .drain_bytes = BODY_BYTES,
			    .connections = CONNECTIONS,
			    .idle_s = IDLE_S },
	};
	return http_start(&o, handler, e->app, out);
}

static struct instance *place_of(struct endpoint *e, int port)
{
	for (size_t i = 0; i < COUNT(e->instances); i++)
		if (port ? e->instances[i].server && e->instances[i].port == port : !e->instances[i].server)
			return &e->instances[i];
	return NULL;
}

static struct status instance_open(struct endpoint *e, int port, struct instance **out)
{
	struct instance *i = place_of(e, 0);
	if (!i || (port && place_of(e, port)))
		return ERR(E_FULL);
	TRY(listen_at(e, port, endpoint_serve_instance, &i->server));
	i->port = http_port(i->server, 0);
	*out = i;
	return OK;
}

static void instance_close(struct instance *i)
{
	if (i && i->server)
		http_stop(i->server, DRAIN_MS);
	if (i)
		*i = (struct instance){ 0 };
}

struct status endpoint_start(struct app *app, const struct http_listen *at, struct endpoint **out)
{
	struct endpoint *e = HEAP(struct endpoint);
	struct arena *mem = arena_new();
	const struct workload *all;
	struct instance *i;
	*e = (struct endpoint){ .app = app, .at = *at };
	e->at.addr = heap_dup(at->addr);
	struct status st = listen_at(e, at->port, endpoint_serve_container, &e->containers);
	size_t n = failed(st) ? 0 : workload_list(app, mem, &all);
	for (size_t k = 0; k < n; k++)
		if (all[k].form == STS_WORKLOAD_FORM_INSTANCE && failed(instance_open(e, all[k].port, &i)))
			log_error("a workload's port cannot be listened at", "workload", all[k].name);
	arena_free(mem);
	if (failed(st)) {
		endpoint_stop(e);
		return st;
	}
	*out = e;
	return OK;
}

void endpoint_stop(struct endpoint *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < COUNT(e->instances); i++)
		instance_close(&e->instances[i]);
	if (e->containers)
		http_stop(e->containers, DRAIN_MS);
	heap_free(e->at.addr.p);
	heap_free(e);
}

/* An instance's ends in a slash: AWS CLIs of Debian 12 put "latest/..." right behind it. */
struct str endpoint_url(const struct endpoint *e, struct arena *mem, const struct workload *w)
{
	bool six = str_find_char(e->at.addr, ':') != SIZE_MAX, container = w->form == STS_WORKLOAD_FORM_CONTAINER;
	return arena_printf(mem, "http://%s%.*s%s:%d%s%.*s", six ? "[" : "", PR(e->at.addr), six ? "]" : "",
			    container ? http_port(e->containers, 0) : w->port, container ? "/v1/credentials/" : "/",
			    container ? (int)w->name.n : 0, w->name.p);
}

struct status endpoint_add(struct endpoint *e, struct arena *mem, struct str name, struct str role_arn,
			   enum sts_workload_form form, int port, struct workload *out, struct str *token)
{
	struct instance *i = NULL;
	if (form == STS_WORKLOAD_FORM_INSTANCE)
		TRY(instance_open(e, port, &i));
	struct status st = workload_add(e->app, mem, name, role_arn, form, i ? i->port : 0, out, token);
	if (failed(st))
		instance_close(i);
	return st;
}

struct status endpoint_remove(struct endpoint *e, struct arena *mem, struct str name)
{
	struct workload w;
	bool known = workload_named(e->app, mem, name, &w);
	TRY(workload_remove(e->app, mem, name));
	if (known && w.form == STS_WORKLOAD_FORM_INSTANCE)
		instance_close(place_of(e, w.port));
	return OK;
}
