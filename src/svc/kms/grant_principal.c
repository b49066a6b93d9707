/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a grant names. AWS takes accounts, users, roles, their sessions and federated users
 * (CreateGrant, GranteePrincipal); each becomes the unique id of who has that name now, so
 * that a user or role deleted and made again under the same name inherits nothing.
 *
 *     arn:aws:iam::111122223333:root                    111122223333
 *     arn:aws:iam::111122223333:user/ann                AIDA...
 *     arn:aws:iam::111122223333:role/ops                AROA...        and every session of it
 *     arn:aws:sts::111122223333:assumed-role/ops/ann    AROA...:ann    that session's name alone
 *     arn:aws:sts::111122223333:federated-user/ann      111122223333:ann
 *     dynamodb.amazonaws.com (a service principal)      the same
 */
#include "api/accounts.h"
#include "base/str.h"
#include "svc/kms/grant.h"

static const struct str assumed = { "assumed-role/", 13 }, federated = { "federated-user/", 15 };

static struct status nobody(struct req *rq, struct str arn)
{
	return FAIL(rq, kms_InvalidArnException, "ARN does not refer to a valid principal: %.*s", PR(arn));
}

static struct status session_id(struct req *rq, struct str account, struct str resource, struct str *id)
{
	struct str session = str_from(resource, assumed.n), role = str_cut(&session, '/');
	struct identity_role found;
	if (!role.n || !session.n || str_find_char(session, '/') != SIZE_MAX)
		return ERR(E_NOT_FOUND);
	TRY(rq->app->identity->role(rq, account, role, &found));
	*id = arena_printf(rq->mem, "%.*s:%.*s", PR(found.id), PR(session));
	return OK;
}

static struct status federated_id(struct req *rq, struct str account, struct str resource, struct str *id)
{
	struct str name = str_from(resource, federated.n);
	if (!name.n || str_find_char(name, '/') != SIZE_MAX)
		return ERR(E_NOT_FOUND);
	*id = arena_printf(rq->mem, "%.*s:%.*s", PR(account), PR(name));
	return OK;
}

static struct status find(struct req *rq, struct str text, struct str *id)
{
	struct arn a;
	struct str found = { 0 };
	if (failed(arn_parse(text, &a)) || !str_eq(a.partition, rq->app->partition) || a.region.n ||
	    !account_id_is(a.account) || !account_find(rq->app->accounts, a.account))
		return ERR(E_NOT_FOUND);
	req_read_end(rq); /* a request has room for few snapshots */
	if (str_eq(a.service, S("sts")) && str_starts(a.resource, assumed))
		return session_id(rq, a.account, a.resource, id);
	if (str_eq(a.service, S("sts")) && str_starts(a.resource, federated))
		return federated_id(rq, a.account, a.resource, id);
	if (!str_eq(a.service, S("iam")))
		return ERR(E_NOT_FOUND);
	TRY(rq->app->identity->principal(rq, a.account, a.resource, &found));
	*id = str_dup(rq->mem, found.n ? found : a.account);
	return OK;
}

struct status kms_principal_id(struct req *rq, struct str arn, struct str *id)
{
	struct status st = find(rq, arn, id);
	return st.code == E_NOT_FOUND ? nobody(rq, arn) : st;
}

struct status kms_principal_shown(struct req *rq, struct str arn, struct str id, struct str *out)
{
	struct str now;
	struct status st = find(rq, arn, &now);
	if (st.code != E_NOT_FOUND)
		TRY(st);
	*out = st.code != E_NOT_FOUND && str_eq(now, id) ? arn : id;
	return OK;
}

static void add(struct kms_names *names, struct str id, enum policy_granted as)
{
	names->v[names->n].id = id;
	names->v[names->n++].as = as;
}

struct kms_names kms_names_of(const struct caller *who)
{
	struct kms_names names = { 0 };
	switch (who->kind) {
	case CALLER_ROOT:
		add(&names, who->account, POLICY_GRANTED_SELF);
		break;
	case CALLER_USER:
		add(&names, who->principal_id, POLICY_GRANTED_SELF);
		add(&names, who->account, POLICY_GRANTED_ACCOUNT);
		break;
	case CALLER_ROLE:
	case CALLER_FEDERATED: /* role_id: of the user who lends, or the account when root does */
		add(&names, who->principal_id, POLICY_GRANTED_SELF);
		if (!str_eq(who->role_id, who->account))
			add(&names, who->role_id, POLICY_GRANTED_ROLE);
		add(&names, who->account, POLICY_GRANTED_ACCOUNT);
		break;
	case CALLER_SERVICE: /* acting for itself: GranteeServicePrincipal */
		add(&names, who->name, POLICY_GRANTED_SELF);
		break;
	default: /* strangers, providers' words: nobody a grant can name */
		break;
	}
	return names;
}
