/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service-linked roles: what a service acts with on its own ("Create a service-linked role").
 * The service says the name, the trust and the policies; nobody else changes them, or puts the
 * role to other uses, or deletes it but through DeleteServiceLinkedRole.
 *
 *     CreateServiceLinkedRole ─▶ role/aws-service-role/SERVICE/NAME ─ DeleteServiceLinkedRole ─▶ gone
 *                                                                            └▶ a task: SUCCEEDED
 *
 * AWS asks the service whether it still needs the role; none here does, so a deletion has
 * succeeded when it is answered. The last few tasks of each name are kept.
 */
#include "svc/iam/service_linked.h"

#include "api/ids.h"
#include "base/str.h"
#include "svc/iam/authorize.h"

#define PATH      "/aws-service-role/"
#define TASK_HEAD "task" PATH
enum { TAG = 'z', TASKS_KEPT = 8, ROLE_NAME_MAX = 64, SESSION_S = 3600 };

static const struct iam_linked linked[] = {
	{ "access-analyzer.amazonaws.com", "AWSServiceRoleForAccessAnalyzer", false, "AccessAnalyzerServiceRolePolicy",
	  "Analyzes resource policies." },
	{ "autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling", true, "AutoScalingServiceRolePolicy",
	  "Uses or manages other services for Auto Scaling." },
	{ "backup.amazonaws.com", "AWSServiceRoleForBackup", false, "AWSBackupServiceLinkedRolePolicyForBackup",
	  "Makes and deletes backups." },
	{ "cks.kms.amazonaws.com", "AWSServiceRoleForKeyManagementServiceCustomKeyStores", false,
	  "AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy", "Connects custom key stores." },
	{ "cloudtrail.amazonaws.com", "AWSServiceRoleForCloudTrail", false, "CloudTrailServiceRolePolicy",
	  "Keeps trails of organizations." },
	{ "config.amazonaws.com", "AWSServiceRoleForConfig", false, "AWSConfigServiceRolePolicy",
	  "Records how resources are configured." },
	{ "dynamodb.application-autoscaling.amazonaws.com", "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
	  false, "AWSApplicationAutoscalingDynamoDBTablePolicy", "Scales tables." },
	{ "ecs.amazonaws.com", "AWSServiceRoleForECS", false, "AmazonECSServiceRolePolicy", "Manages clusters." },
	{ "elasticache.amazonaws.com", "AWSServiceRoleForElastiCache", false, "ElastiCacheServiceRolePolicy",
	  "Manages what caches need." },
	{ "elasticfilesystem.amazonaws.com", "AWSServiceRoleForAmazonElasticFileSystem", false,
	  "AmazonElasticFileSystemServiceRolePolicy", "Manages what file systems need." },
	{ "elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing", false,
	  "AWSElasticLoadBalancingServiceRolePolicy", "Manages what load balancers need." },
	{ "events.amazonaws.com", "AWSServiceRoleForCloudWatchEvents", false, "CloudWatchEventsServiceRolePolicy",
	  "Acts on instances when an alarm says so." },
	{ "guardduty.amazonaws.com", "AWSServiceRoleForAmazonGuardDuty", false, "AmazonGuardDutyServiceRolePolicy",
	  "Sees what threats are found in." },
	{ "inspector2.amazonaws.com", "AWSServiceRoleForAmazonInspector2", false, "AmazonInspector2ServiceRolePolicy",
	  "Looks for vulnerabilities." },
	{ "lambda.application-autoscaling.amazonaws.com", "AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency",
	  false, "AWSApplicationAutoscalingLambdaConcurrencyPolicy", "Scales functions." },
	{ "macie.amazonaws.com", "AWSServiceRoleForAmazonMacie", false, "AmazonMacieServiceRolePolicy",
	  "Finds sensitive data." },
	{ "malware-protection.guardduty.amazonaws.com", "AWSServiceRoleForAmazonGuardDutyMalwareProtection", false,
	  "AmazonGuardDutyMalwareProtectionServiceRolePolicy", "Scans for malware." },
	{ "mrk.kms.amazonaws.com", "AWSServiceRoleForKeyManagementServiceMultiRegionKeys", false,
	  "AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy", "Keeps multi-Region keys alike." },
	{ "opensearchservice.amazonaws.com", "AWSServiceRoleForAmazonOpenSearchService", false,
	  "AmazonOpenSearchServiceRolePolicy", "Manages what domains need." },
	{ "ops.apigateway.amazonaws.com", "AWSServiceRoleForAPIGateway", false, "APIGatewayServiceRolePolicy",
	  "Manages what APIs need." },
	{ "rds.amazonaws.com", "AWSServiceRoleForRDS", false, "AmazonRDSServiceRolePolicy",
	  "Manages what databases need." },
	{ "rds.application-autoscaling.amazonaws.com", "AWSServiceRoleForApplicationAutoScaling_RDSCluster", false,
	  "AWSApplicationAutoscalingRDSClusterPolicy", "Scales database clusters." },
	{ "replication.dynamodb.amazonaws.com", "AWSServiceRoleForDynamoDBReplication", false,
	  "DynamoDBReplicationServiceRolePolicy", "Replicates global tables." },
	{ "reports.backup.amazonaws.com", "AWSServiceRoleForBackupReports", false,
	  "AWSServiceRolePolicyForBackupReports", "Writes reports of backups." },
	{ "restore-testing.backup.amazonaws.com", "AWSServiceRoleForBackupRestoreTesting", false,
	  "AWSServiceRolePolicyForBackupRestoreTesting", "Tests restores." },
	{ "securityhub.amazonaws.com", "AWSServiceRoleForSecurityHub", false, "AWSSecurityHubServiceRolePolicy",
	  "Sees what is checked." },
	{ "shield.amazonaws.com", "AWSServiceRoleForAWSShield", false, "AWSShieldServiceRolePolicy",
	  "Defends applications." },
	{ "spot.amazonaws.com", "AWSServiceRoleForEC2Spot", false, "AWSEC2SpotServiceRolePolicy",
	  "Starts and stops Spot instances." },
	{ "spotfleet.amazonaws.com", "AWSServiceRoleForEC2SpotFleet", false, "AWSEC2SpotFleetServiceRolePolicy",
	  "Manages Spot fleets." },
	{ "ssm.amazonaws.com", "AWSServiceRoleForAmazonSSM", false, "AmazonSSMServiceRolePolicy",
	  "Manages instances." },
	{ "support.amazonaws.com", "AWSServiceRoleForSupport", false, "AWSSupportServiceRolePolicy",
	  "Lets Support see what cases are about." },
	{ "transitgateway.amazonaws.com", "AWSServiceRoleForVPCTransitGateway", false,
	  "AWSVPCTransitGatewayServiceRolePolicy", "Attaches networks." },
	{ "trustedadvisor.amazonaws.com", "AWSServiceRoleForTrustedAdvisor", false,
	  "AWSTrustedAdvisorServiceRolePolicy", "Checks for advice." },
	{ "wafv2.amazonaws.com", "AWSServiceRoleForWAFV2Logging", false, "WAFV2LoggingServiceRolePolicy",
	  "Delivers logs." },
};

const struct iam_linked *iam_linked_at(size_t i) { return i < COUNT(linked) ? &linked[i] : NULL; }

/* "Service principals are unique and case-sensitive." */
static const struct iam_linked *of_service(struct str service)
{
	for (size_t i = 0; i < COUNT(linked); i++)
		if (str_eq(service, str_of(linked[i].service)))
			return &linked[i];
	return NULL;
}

struct status iam_modifiable(struct req *rq, const struct iam_entity_row *row)
{
	if (!row->service.n)
		return OK;
	return FAIL(rq, iam_UnmodifiableEntityException,
		    "Cannot perform the operation on the protected role '%.*s' - this role is only modifiable by AWS",
		    PR(row->name));
}

struct status iam_path_not_reserved(struct req *rq, struct str path)
{
	if (!str_starts_ci(path, S(PATH)))
		return OK;
	return FAIL(rq, iam_InvalidInputException, "The path " PATH " is reserved for service-linked roles.");
}

/* ---- making ------------------------------------------------------------------------------------ */

static struct str role_name(struct arena *mem, const struct iam_linked *l, struct str suffix)
{
	return suffix.p ? arena_printf(mem, "%s_%.*s", l->role, PR(suffix)) : str_of(l->role);
}

/* May there be a role for that service with that suffix? */
static struct status check(struct req *rq, const struct iam_create_service_linked_role_in *in,
			   const struct iam_linked **out)
{
	const struct iam_linked *l = of_service(in->aws_service_name);
	if (!l)
		return FAIL(rq, iam_InvalidInputException, "There is no service-linked role for the service %.*s.",
			    PR(in->aws_service_name));
	if (in->custom_suffix.p && !l->suffix)
		return FAIL(rq, iam_InvalidInputException, "Custom suffix is not allowed for %.*s",
			    PR(in->aws_service_name));
	if (role_name(rq->mem, l, in->custom_suffix).n > ROLE_NAME_MAX)
		return FAIL(rq, iam_InvalidInputException,
			    "The role name with its suffix is longer than %d characters.", ROLE_NAME_MAX);
	*out = l;
	return OK;
}

static struct str trust_of(struct req *rq, const struct iam_linked *l)
{
	return arena_printf(rq->mem,
			    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
			    "{\"Service\":\"%s\"},\"Action\":\"sts:AssumeRole\"}]}",
			    l->service);
}

struct status iam_create_service_linked_role(struct req *rq, const struct iam_create_service_linked_role_in *in,
					     struct iam_create_service_linked_role_out *out)
{
	struct txn *t;
	struct iam_entity_row other;
	const struct iam_linked *l;
	TRY(check(rq, in, &l));
	struct str policy = arena_printf(rq->mem, "arn:aws:iam::aws:policy" PATH "%s", l->policy);
	struct iam_entity_row row = {
		.name = role_name(rq->mem, l, in->custom_suffix),
		.path = arena_printf(rq->mem, PATH "%s/", l->service),
		.id = id_unique(rq->app->world, rq->mem, "AROA"),
		.created = SET(rq->now_ms),
		.trust = trust_of(rq, l),
		.description = in->description.p ? in->description : str_of(l->doc),
		.max_session = SET(SESSION_S),
		.attached = { &policy, 1 },
		.service = str_of(l->service),
	};
	TRY(iam_write(rq, &t));
	struct status st = iam_entity_find(rq->mem, t, IAM_ROLE, row.name, &other);
	if (!failed(st))
		return FAIL(rq, iam_InvalidInputException,
			    "Service role name %.*s has been taken in this account, please try a different suffix.",
			    PR(row.name));
	if (st.code != E_NOT_FOUND)
		return st;
	TRY(iam_count(rq, t, IAM_ROLE, 1));
	TRY(iam_entity_put(rq, t, IAM_ROLE, &row));
	TRY(iam_use_all(rq, t, IAM_ROLE, &row, true));
	struct iam_role *role = NEW(rq->mem, struct iam_role);
	*role = iam_role_out(rq, &row);
	out->role = role;
	return OK;
}

/* ---- deleting ------------------------------------------------------------------------------------ */

static struct str tasks_key(struct arena *mem, struct str role)
{
	return key_of(mem, TAG, iam_lower(mem, role), (struct str){ 0 }, (struct str){ 0 });
}

static struct status tasks_of(struct req *rq, struct txn *t, struct str role, struct iam_deletion_row *out)
{
	struct status st = iam_row_get(rq->mem, t, tasks_key(rq->mem, role), &iam_deletion_row_shape, out);
	return st.code == E_NOT_FOUND ? OK : st;
}

/* One more at the end; the oldest are forgotten. */
static struct status note_task(struct req *rq, struct txn *t, struct str role, struct str task)
{
	struct iam_deletion_row row;
	TRY(tasks_of(rq, t, role, &row));
	size_t drop = row.tasks.n >= TASKS_KEPT ? row.tasks.n - TASKS_KEPT + 1 : 0, n = row.tasks.n - drop;
	struct str *v = NEWS(rq->mem, struct str, n + 1);
	for (size_t i = 0; i < n; i++)
		v[i] = row.tasks.v[drop + i];
	v[n] = task;
	row.tasks = (struct str_list){ v, n + 1 };
	return iam_row_put(rq, t, tasks_key(rq->mem, role), &iam_deletion_row_shape, &row);
}

struct status iam_delete_service_linked_role(struct req *rq, const struct iam_delete_service_linked_role_in *in,
					     struct iam_delete_service_linked_role_out *out)
{
	struct txn *t;
	struct iam_entity_row row;
	struct str uuid = id_uuid(rq->app->world, rq->mem);
	TRY(iam_write(rq, &t));
	TRY(iam_entity_get(rq, t, IAM_ROLE, in->role_name, &row));
	if (!row.service.n)
		return FAIL(rq, iam_NoSuchEntityException, "The role with name %.*s is not a service-linked role.",
			    PR(row.name));
	struct str task = arena_printf(rq->mem, TASK_HEAD "%.*s/%.*s/%.*s", PR(row.service), PR(row.name), PR(uuid));
	TRY(note_task(rq, t, row.name, task));
	TRY(iam_use_all(rq, t, IAM_ROLE, &row, false));
	TRY(iam_count(rq, t, IAM_ROLE, -1));
	TRY(iam_entity_del(rq, t, IAM_ROLE, row.name));
	out->deletion_task_id = task;
	return OK;
}

/* "task/aws-service-role/SERVICE/ROLE/UUID" */
static bool task_parts(struct str task, struct str *service, struct str *role)
{
	struct str rest = str_from(task, S(TASK_HEAD).n);
	if (!str_starts(task, S(TASK_HEAD)))
		return false;
	*service = str_cut(&rest, '/');
	*role = rest.p ? str_cut(&rest, '/') : rest;
	return service->n && role->n && rest.n && str_find_char(rest, '/') == SIZE_MAX;
}

struct status iam_get_service_linked_role_deletion_status(
    struct req *rq, const struct iam_get_service_linked_role_deletion_status_in *in,
    struct iam_get_service_linked_role_deletion_status_out *out)
{
	struct txn *t;
	struct str service, role;
	struct iam_deletion_row row;
	if (!task_parts(in->deletion_task_id, &service, &role))
		return FAIL(rq, iam_InvalidInputException, "Deletion task id %.*s is not valid.",
			    PR(in->deletion_task_id));
	TRY(iam_read(rq, &t));
	TRY(tasks_of(rq, t, role, &row));
	for (size_t i = 0; i < row.tasks.n; i++)
		if (str_eq(row.tasks.v[i], in->deletion_task_id)) {
			out->status = IAM_DELETION_TASK_STATUS_TYPE_SUCCEEDED;
			return OK;
		}
	return FAIL(rq, iam_NoSuchEntityException, "Deletion task id %.*s cannot be found.", PR(in->deletion_task_id));
}

/* ---- what must be allowed -------------------------------------------------------------------------- */

static struct str linked_arn(struct req *rq, struct str service, struct str role)
{
	return arena_printf(rq->mem, "arn:%.*s:iam::%.*s:role" PATH "%.*s/%.*s", PR(rq->app->partition),
			    PR(rq->account), PR(service), PR(role));
}

/* Of a service that has none the name is open; the handler refuses it. */
struct status iam_authorize_service_linked_role(struct req *rq, const void *in, struct authz *az)
{
	struct str service = iam_input(rq, in, "AWSServiceName");
	const struct iam_linked *l = of_service(service);
	struct str role = l ? role_name(rq->mem, l, iam_input(rq, in, "CustomSuffix")) : S("");
	iam_authorize_on(az, in, linked_arn(rq, service, role), (struct iam_tag_list){ 0 }, NULL);
	return OK;
}

/* The role of the task, which may be gone, or have come back. */
struct status iam_authorize_role_deletion(struct req *rq, const void *in, struct authz *az)
{
	struct txn *t;
	struct iam_entity_row row;
	struct str service = S(""), role = S("");
	struct iam_tag_list tags = { 0 };
	if (task_parts(iam_input(rq, in, "DeletionTaskId"), &service, &role)) {
		TRY(iam_read(rq, &t));
		struct status st = iam_entity_find(rq->mem, t, IAM_ROLE, role, &row);
		if (failed(st) && st.code != E_NOT_FOUND)
			return st;
		if (!failed(st) && row.service.n)
			tags = row.tags;
	}
	iam_authorize_on(az, in, linked_arn(rq, service, role), tags, NULL);
	return OK;
}
