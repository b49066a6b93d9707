/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl over GnuTLS, with its own checking of certificates replaced by ours (which knows
 * thumbprints) and asked between the handshake and the request.
 *
 *     fiber ── parked, its job in the queue ──▶ thread: one transfer, start to end ──▶ fiber woken
 */
#include "wire/fetch.h"

#include "base/fiber.h"
#include "base/str.h"
#include "wire/fetch_trust.h"

#include <curl/curl.h>
#include <pthread.h>
#include <unistd.h>

enum { THREADS = 4, QUEUE_MAX = 64, URL_MAX = 2048, CONNECT_MS = 2000, TOTAL_MS = 5000, HTTPS_PORT = 443 };

/* Lives on the parked fiber's stack; url and body are the heap's, the rest the asker's. */
struct job {
	struct fetcher *f;
	struct job *next;
	struct fiber *fiber;
	const struct fetch_ask *ask;
	char *url, *host;
	CURL *curl;
	char *body;
	size_t n, cap;
	enum fetch_trouble trouble;
};

struct fetcher {
	struct fetch_source source;
	struct trust *trust;
	bool private_addresses;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct job *head, **tail;
	unsigned queued, started;
	bool stopping;
	pthread_t threads[THREADS];
};

const char *fetch_trouble_name(enum fetch_trouble t)
{
	static const char *const names[] = { "none",        "url",    "address", "unreachable",
					     "certificate", "status", "too big", "busy" };
	return names[t];
}

/* ---- the transfer, on a thread --------------------------------------------------------------- */

static size_t on_body(char *p, size_t size, size_t count, void *arg)
{
	struct job *j = arg;
	size_t n = size * count;
	if (n > j->ask->max_bytes - j->n) {
		j->trouble = FETCH_TOO_BIG;
		return 0;
	}
	if (n > j->cap - j->n) {
		size_t cap = j->cap ? j->cap : 8192;
		while (cap - j->n < n)
			cap *= 2;
		j->body = heap_grow(j->body, j->cap, cap, 1);
		j->cap = cap;
	}
	memcpy(j->body + j->n, p, n);
	j->n += n;
	return n;
}

static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct job *j = arg;
	if (purpose != CURLSOCKTYPE_IPCXN || (!j->f->private_addresses && !address_is_public(&to->addr))) {
		j->trouble = FETCH_ADDRESS;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* After the handshake, before the request. */
static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct job *j = arg;
	struct curl_tlssessioninfo *tls = NULL;
	(void)ip, (void)local_ip, (void)port, (void)local_port;
	if (curl_easy_getinfo(j->curl, CURLINFO_TLS_SSL_PTR, &tls) == CURLE_OK && tls && tls->internals &&
	    tls->backend == CURLSSLBACKEND_GNUTLS &&
	    !failed(trust_check(j->f->trust, tls->internals, j->host, j->ask->thumbprints)))
		return CURL_PREREQFUNC_OK;
	j->trouble = FETCH_CERTIFICATE;
	return CURL_PREREQFUNC_ABORT;
}

static int on_progress(void *arg, curl_off_t dl_total, curl_off_t dl, curl_off_t ul_total, curl_off_t ul)
{
	const struct job *j = arg;
	(void)dl_total, (void)dl, (void)ul_total, (void)ul;
	return __atomic_load_n(&j->f->stopping, __ATOMIC_RELAXED);
}

#define SET_OPT(j, option, value)                                                  \
	do {                                                                       \
		CURLcode set_rc_ = curl_easy_setopt((j)->curl, option, value);     \
		assert(set_rc_ == CURLE_OK); /* one that is not there may guard */ \
	} while (0)

static void set_up(struct job *j)
{
	SET_OPT(j, CURLOPT_URL, j->url);
	SET_OPT(j, CURLOPT_PROTOCOLS_STR, "https");
	SET_OPT(j, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET_OPT(j, CURLOPT_USERAGENT, "Holdfast/" HOLDFAST_VERSION);
	SET_OPT(j, CURLOPT_PROXY, "");
	SET_OPT(j, CURLOPT_FOLLOWLOCATION, 0L);
	SET_OPT(j, CURLOPT_NOSIGNAL, 1L);
	SET_OPT(j, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	SET_OPT(j, CURLOPT_TIMEOUT_MS, (long)TOTAL_MS);
	SET_OPT(j, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET_OPT(j, CURLOPT_SSL_VERIFYPEER, 0L); /* on_connected does, and more */
	SET_OPT(j, CURLOPT_SSL_VERIFYHOST, 0L);
	SET_OPT(j, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET_OPT(j, CURLOPT_PREREQFUNCTION, on_connected);
	SET_OPT(j, CURLOPT_PREREQDATA, j);
	SET_OPT(j, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET_OPT(j, CURLOPT_OPENSOCKETDATA, j);
	SET_OPT(j, CURLOPT_WRITEFUNCTION, on_body);
	SET_OPT(j, CURLOPT_WRITEDATA, j);
	SET_OPT(j, CURLOPT_NOPROGRESS, 0L);
	SET_OPT(j, CURLOPT_XFERINFOFUNCTION, on_progress);
	SET_OPT(j, CURLOPT_XFERINFODATA, j);
}

static void transfer(struct job *j)
{
	long status = 0;
	j->curl = curl_easy_init();
	assert(j->curl);
	set_up(j);
	CURLcode rc = curl_easy_perform(j->curl);
	if (rc == CURLE_OK)
		(void)curl_easy_getinfo(j->curl, CURLINFO_RESPONSE_CODE, &status);
	if (j->trouble == FETCH_OK && rc != CURLE_OK)
		j->trouble = FETCH_UNREACHABLE;
	else if (j->trouble == FETCH_OK && status != 200)
		j->trouble = FETCH_STATUS;
	curl_easy_cleanup(j->curl);
}

/* ---- the queue --------------------------------------------------------------------------------- */

static struct job *next_job(struct fetcher *f)
{
	pthread_mutex_lock(&f->lock);
	while (!f->head && !f->stopping)
		pthread_cond_wait(&f->work, &f->lock);
	struct job *j = f->head;
	if (j) {
		f->head = j->next;
		f->queued--;
		if (!f->head)
			f->tail = &f->head;
	}
	pthread_mutex_unlock(&f->lock);
	return j;
}

static void *fetch_thread(void *arg)
{
	for (struct job *j; (j = next_job(arg));) {
		transfer(j);
		fiber_wake(j->fiber); /* j is gone */
	}
	return NULL;
}

/* Under the lock. A thread more while there are fewer than jobs. */
static void start_thread(struct fetcher *f)
{
	if (f->started == THREADS)
		return;
	int rc = pthread_create(&f->threads[f->started], NULL, fetch_thread, f);
	assert(rc == 0);
	f->started++;
}

static void enqueue(void *arg, struct fiber *fiber)
{
	struct job *j = arg;
	struct fetcher *f = j->f;
	j->fiber = fiber;
	pthread_mutex_lock(&f->lock);
	bool room = f->queued < QUEUE_MAX && !f->stopping;
	if (room) {
		*f->tail = j;
		f->tail = &j->next;
		f->queued++;
		start_thread(f);
		pthread_cond_signal(&f->work);
	}
	pthread_mutex_unlock(&f->lock);
	if (room)
		return;
	j->trouble = FETCH_BUSY;
	fiber_wake(fiber);
}

/* ---- asking ---------------------------------------------------------------------------------------- */

static struct str part_of(struct arena *mem, CURLU *url, CURLUPart part, unsigned flags)
{
	char *text = NULL;
	struct str copy = { 0 };
	if (curl_url_get(url, part, &text, flags) == CURLUE_OK && text)
		copy = str_dup(mem, str_of(text));
	curl_free(text);
	return copy;
}

static bool fits(struct fetcher *f, CURLU *url, struct arena *mem)
{
	int64_t port = 0;
	return str_eq(part_of(mem, url, CURLUPART_SCHEME, 0), S("https")) && !part_of(mem, url, CURLUPART_USER, 0).p &&
	       !part_of(mem, url, CURLUPART_FRAGMENT, 0).p &&
	       str_to_i64(part_of(mem, url, CURLUPART_PORT, CURLU_DEFAULT_PORT), &port) &&
	       (f->private_addresses || port == HTTPS_PORT);
}

/* What is connected to is what this reader of URLs saw, not what another might: libcurl's is asked, and spells it. */
static bool take_url(struct fetcher *f, struct arena *mem, struct job *j)
{
	CURLU *url = curl_url();
	struct str given = j->ask->url;
	assert(url);
	bool ok = given.n <= URL_MAX && !memchr(given.p, 0, given.n) &&
		  curl_url_set(url, CURLUPART_URL, str_z(mem, given), 0) == CURLUE_OK && fits(f, url, mem);
	if (ok) {
		struct str host = part_of(mem, url, CURLUPART_HOST, 0), whole = part_of(mem, url, CURLUPART_URL, 0);
		if (str_starts(host, S("[")))
			host = str_sub(host, 1, host.n - 2);
		j->host = str_z(mem, host);
		j->url = str_z(mem, whole);
		ok = host.n && whole.n;
	}
	curl_url_cleanup(url);
	return ok;
}

static enum fetch_trouble get(struct fetch_source *source, struct arena *mem, const struct fetch_ask *ask,
			      struct str *body)
{
	struct fetcher *f = (struct fetcher *)(void *)source;
	struct job j = { .f = f, .ask = ask };
	if (!take_url(f, mem, &j))
		return FETCH_URL;
	fiber_park(enqueue, &j);
	if (j.trouble == FETCH_OK)
		*body = str_dup(mem, str_make(j.body ? j.body : "", j.n));
	heap_free(j.body);
	return j.trouble;
}

struct status fetcher_new(const struct fetch_options *o, struct fetcher **out)
{
	struct trust *trust;
	TRY(trust_new(o->ca_pem, &trust));
	CURLcode rc = curl_global_init(CURL_GLOBAL_DEFAULT);
	assert(rc == CURLE_OK);
	struct fetcher *f = HEAP(struct fetcher);
	f->source.get = get;
	f->trust = trust;
	f->private_addresses = o->private_addresses;
	f->tail = &f->head;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->work, NULL);
	*out = f;
	return OK;
}

struct fetch_source *fetcher_source(struct fetcher *f) { return &f->source; }

void fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	__atomic_store_n(&f->stopping, true, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&f->work);
	pthread_mutex_unlock(&f->lock);
	for (unsigned i = 0; i < f->started; i++)
		pthread_join(f->threads[i], NULL);
	trust_free(f->trust);
	pthread_cond_destroy(&f->work);
	pthread_mutex_destroy(&f->lock);
	curl_global_cleanup();
	heap_free(f);
}
