/* SPDX-License-Identifier: Apache-2.0 */
/* See old_sdk.h. */
#include "cli/old_sdk.h"

#include "base/buf.h"
#include "base/str.h"
#include "cli/layout.h"

#include <errno.h>
#include <sys/stat.h>

/* Every built-in parameter that botocore hands to STS's rules must be declared. */
static void parameter_put(struct buf *b, const char *name, const char *built_in, const char *type)
{
	buf_printf(b, "\"%s\":{\"builtIn\":\"%s\",\"documentation\":\"\",\"type\":\"%s\",", name, built_in, type);
	buf_z(b, type[0] == 'B' ? "\"required\":true,\"default\":false}," : "\"required\":false},");
}

static struct str rules(struct arena *mem, struct str url)
{
	struct buf b = buf_in(mem);
	buf_z(&b, "{\"version\":\"1.0\",\"parameters\":{");
	parameter_put(&b, "Region", "AWS::Region", "String");
	parameter_put(&b, "Endpoint", "SDK::Endpoint", "String");
	parameter_put(&b, "UseDualStack", "AWS::UseDualStack", "Boolean");
	parameter_put(&b, "UseFIPS", "AWS::UseFIPS", "Boolean");
	parameter_put(&b, "UseGlobalEndpoint", "AWS::STS::UseGlobalEndpoint", "Boolean");
	b.n--; /* the last comma */
	/* who names an endpoint means it */
	buf_z(
	    &b,
	    "},\"rules\":[{\"conditions\":[{\"fn\":\"isSet\",\"argv\":[{\"ref\":\"Endpoint\"}]}],\"type\":\"endpoint\","
	    "\"endpoint\":{\"url\":{\"ref\":\"Endpoint\"},\"properties\":{},\"headers\":{}}},");
	buf_printf(&b,
		   "{\"conditions\":[],\"type\":\"endpoint\",\"endpoint\":{\"url\":\"%.*s\","
		   "\"properties\":{},\"headers\":{}}}]}\n",
		   PR(url));
	return buf_str(&b);
}

struct str old_sdk_path(struct arena *mem, struct str dir) { return layout_path(mem, dir, "aws"); }

struct status old_sdk_write(struct world *w, struct arena *mem, struct str dir, struct str url)
{
	static const char *const folders[] = { "aws", "aws/sts", "aws/sts/2011-06-15" };
	for (size_t i = 0; i < COUNT(folders); i++)
		if (mkdir(str_z(mem, layout_path(mem, dir, folders[i])), 0700) && errno != EEXIST)
			return ERR(E_IO);
	struct str file = layout_path(mem, dir, "aws/sts/2011-06-15/endpoint-rule-set-1.json");
	return text_file_write(w, mem, file, 0600, rules(mem, url));
}
