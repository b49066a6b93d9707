/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API reference promises about virtual MFA devices.
 */
#include "svc/iam/qr.h"
#include "svc/mfa_testing.h"

#include <png.h>
#include <qrencode.h>

#define MFA(name)       "arn:aws:iam::111122223333:mfa/" name
#define NO_DEVICE(name) "VirtualMFADevice with serial number " MFA(name) " doesn't exist."
#define NOT_HIS         "MFA Device invalid for user."
#define BAD_CODES       "Authentication code for device is not valid."

/* ---- one line for each thing ------------------------------------------------------------------ */

/* A new device, not enabled; its seed. */
static struct str made_device(struct test_world *w, const char *name)
{
	struct str base32, seed;
	struct test_reply r = IAM(w, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'%s'}", name);
	EXPECT(r.status == 200);
	EXPECT_OK(base64_decode(world_mem(w), world_field(w, r, "VirtualMFADevice.Base32StringSeed"), &base32));
	EXPECT_OK(base32_decode(world_mem(w), base32, &seed));
	EXPECT(!world_field(w, r, "VirtualMFADevice.Tags").p);
	EXPECT(base32.n == 64 && seed.n == TOTP_SEED_SIZE);
	return seed;
}

static struct test_reply with_codes(struct test_world *w, const char *op, const char *user, const char *device,
				    struct str first, struct str second)
{
	return IAM(w, op,
		   "{'UserName':'%s','SerialNumber':'" MFA(
		       "%s") "','AuthenticationCode1':'%.*s','AuthenticationCode2':'%.*s'}",
		   user, device, PR(first), PR(second));
}

/* With the codes of a device whose clock is `off` steps ahead. */
static struct test_reply enable(struct test_world *w, const char *user, const char *device, struct str seed,
				int64_t off)
{
	return with_codes(w, "EnableMFADevice", user, device, code_at(w, seed, off - 1), code_at(w, seed, off));
}

static struct test_reply resync(struct test_world *w, const char *user, const char *device, struct str seed,
				int64_t off)
{
	return with_codes(w, "ResyncMFADevice", user, device, code_at(w, seed, off - 1), code_at(w, seed, off));
}

static struct test_reply deactivate(struct test_world *w, const char *user, const char *device)
{
	return IAM(w, "DeactivateMFADevice", "{'UserName':'%s','SerialNumber':'" MFA("%s") "'}", user, device);
}

static struct test_reply delete_device(struct test_world *w, const char *device)
{
	return IAM(w, "DeleteVirtualMFADevice", "{'SerialNumber':'" MFA("%s") "'}", device);
}

/* ---- making ------------------------------------------------------------------------------------- */

static void a_device_is_made_with_everything_said(void)
{
	struct test_world *w = begin();
	struct test_reply r = IAM(
	    w, "CreateVirtualMFADevice",
	    "{'VirtualMFADeviceName':'phone','Path':'/team/','Tags':[{'Key':'b','Value':'1'},{'Key':'a','Value':''}]}");
	EXPECT_STR(world_field(w, r, "VirtualMFADevice.SerialNumber"), S(MFA("team/phone")));
	EXPECT_STR(world_field(w, r, "VirtualMFADevice.Tags.0.Key"), S("a"));
	EXPECT(!world_field(w, r, "VirtualMFADevice.EnableDate").p && !world_field(w, r, "VirtualMFADevice.User").p);
	REFUSED(IAM(w, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'Phone','Path':'/Team/'}"), 409,
		"EntityAlreadyExists", "MFADevice entity at the same path and name already exists.");
	WORKS(IAM(w, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'phone'}"));
	FAILS(IAM(w, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'a b'}"), "ValidationError");
	FAILS(IAM(w, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'x','Path':'team'}"), "ValidationError");
	FAILS(IAM(w, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'x','Tags':[{'Key':'aws:x','Value':''}]}"),
	      "InvalidInput");
	world_end(w);
}

static void a_serial_number_has_at_most_256_characters(void)
{
	struct test_world *w = begin();
	char name[300];
	memset(name, 'x', sizeof name);
	name[256 - (sizeof MFA("") - 1)] = 0;
	WORKS(IAM(w, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'%s'}", name));
	WORKS(delete_device(w, name));
	name[256 - (sizeof MFA("") - 1)] = 'x';
	name[256 - (sizeof MFA("") - 1) + 1] = 0;
	REFUSED(IAM(w, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'%s'}", name), 400, "InvalidInput",
		"The path and name are too long: a serial number has at most 256 characters.");
	world_end(w);
}

/* The picture has the modules of the QR code of the text that AWS documents, and nothing else. */
static void the_picture_is_the_qr_code_of_the_seed(void)
{
	struct test_world *w = begin();
	struct str png, base32;
	struct test_reply r = IAM(w, "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'phone'}");
	EXPECT_OK(base64_decode(world_mem(w), world_field(w, r, "VirtualMFADevice.QRCodePNG"), &png));
	EXPECT_OK(base64_decode(world_mem(w), world_field(w, r, "VirtualMFADevice.Base32StringSeed"), &base32));
	char *uri = str_z(world_mem(w),
			  arena_printf(world_mem(w), "otpauth://totp/phone@111122223333?secret=%.*s", PR(base32)));
	QRcode *want = QRcode_encodeString8bit(uri, 0, QR_ECLEVEL_M);
	png_image image = { .version = PNG_IMAGE_VERSION };
	EXPECT(png_image_begin_read_from_memory(&image, png.p, png.n));
	image.format = PNG_FORMAT_GRAY;
	uint8_t *pixels = NEWS(world_mem(w), uint8_t, PNG_IMAGE_SIZE(image));
	EXPECT(png_image_finish_read(&image, NULL, pixels, 0, NULL));
	EXPECT(image.width == image.height && image.width == 4 * (unsigned)(want->width + 8));
	for (unsigned y = 0; y < image.height; y++)
		for (unsigned x = 0; x < image.width; x++) {
			int mx = (int)(x / 4) - 4, my = (int)(y / 4) - 4;
			bool in = mx >= 0 && my >= 0 && mx < want->width && my < want->width;
			bool black = in && want->data[my * want->width + mx] & 1;
			EXPECT(pixels[y * image.width + x] == (black ? 0 : 255));
		}
	QRcode_free(want);
	world_end(w);
}

static void more_than_a_qr_code_holds_is_refused(void)
{
	struct arena *mem = arena_new();
	char text[2332];
	struct str png;
	memset(text, 'x', sizeof text);
	EXPECT_OK(qr_png(mem, str_make(text, 2331), &png));
	EXPECT_ERR(qr_png(mem, str_make(text, 2332), &png), E_TOO_BIG);
	arena_free(mem);
}

static void look_at_the_row(struct req *rq, void *arg)
{
	struct str seed = *(struct str *)arg;
	struct txn *t;
	struct iam_mfa_row row;
	EXPECT_OK(iam_read(rq, &t));
	EXPECT_OK(iam_mfa_find(rq, t, rq->account, S(MFA("phone")), &row));
	EXPECT(row.seed.n > seed.n);
	for (size_t i = 0; i + 8 <= seed.n; i++)
		EXPECT(str_find(row.seed, str_sub(seed, i, 8)) == SIZE_MAX);
}

static void the_seed_lies_sealed(void)
{
	struct test_world *w = begin();
	struct str seed = made_device(w, "phone");
	world_in_fiber(w, look_at_the_row, &seed);
	world_end(w);
}

/* ---- enabling --------------------------------------------------------------------------------------- */

static void two_codes_that_follow_each_other_enable(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann");
	struct str seed = made_device(w, "phone");
	struct str before = code_at(w, seed, -1), now = code_at(w, seed, 0), next = code_at(w, seed, 1);
	EXPECT_ERR(check(w, ann, MFA("phone"), now), E_NOT_FOUND);
	REFUSED(with_codes(w, "EnableMFADevice", "ann", "phone", now, now), 403, "InvalidAuthenticationCode",
		BAD_CODES);
	REFUSED(with_codes(w, "EnableMFADevice", "ann", "phone", now, before), 403, "InvalidAuthenticationCode",
		BAD_CODES);
	REFUSED(with_codes(w, "EnableMFADevice", "ann", "phone", before, next), 403, "InvalidAuthenticationCode",
		BAD_CODES);
	REFUSED(enable(w, "ann", "phone", seed, -30), 403, "InvalidAuthenticationCode", BAD_CODES);
	REFUSED(enable(w, "ann", "phone", seed, 30), 403, "InvalidAuthenticationCode", BAD_CODES);
	FAILS(with_codes(w, "EnableMFADevice", "ann", "phone", S("12345"), now), "ValidationError");
	FAILS(with_codes(w, "EnableMFADevice", "ann", "phone", S("12345x"), now), "ValidationError");
	WORKS(with_codes(w, "EnableMFADevice", "ann", "phone", before, now));
	EXPECT_ERR(check(w, ann, MFA("phone"), now), E_INVALID); /* used up */
	EXPECT_OK(check(w, ann, MFA("phone"), next));
	world_end(w);
}

static void a_device_is_enabled_for_one(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	make_user(w, "bob");
	struct str seed = made_device(w, "phone");
	REFUSED(enable(w, "ann", "none", seed, 0), 404, "NoSuchEntity", NO_DEVICE("none"));
	REFUSED(enable(w, "eve", "phone", seed, 0), 404, "NoSuchEntity", "The user with name eve cannot be found.");
	WORKS(enable(w, "ann", "phone", seed, 0));
	world_later(w, 2 * TOTP_STEP_MS);
	REFUSED(enable(w, "ann", "phone", seed, 0), 409, "EntityAlreadyExists", "MFA Device is already in use.");
	REFUSED(enable(w, "bob", "phone", seed, 0), 409, "EntityAlreadyExists", "MFA Device is already in use.");
	REFUSED(deactivate(w, "bob", "phone"), 404, "NoSuchEntity", NOT_HIS);
	REFUSED(resync(w, "bob", "phone", seed, 0), 404, "NoSuchEntity", NOT_HIS);
	REFUSED(delete_device(w, "phone"), 409, "DeleteConflict", "MFA VirtualDevice in use. Must deactivate first");
	WORKS(deactivate(w, "ann", "phone"));
	REFUSED(deactivate(w, "ann", "phone"), 404, "NoSuchEntity", NOT_HIS);
	WORKS(enable(w, "bob", "phone", seed, 0));
	WORKS(deactivate(w, "BOB", "phone"));
	WORKS(delete_device(w, "phone"));
	REFUSED(delete_device(w, "phone"), 404, "NoSuchEntity", NO_DEVICE("phone"));
	world_end(w);
}

static void old_codes_do_not_come_back_with_a_device(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	struct str seed = made_device(w, "phone");
	WORKS(enable(w, "ann", "phone", seed, 0));
	WORKS(deactivate(w, "ann", "phone"));
	REFUSED(enable(w, "ann", "phone", seed, 0), 403, "InvalidAuthenticationCode", BAD_CODES);
	REFUSED(enable(w, "ann", "phone", seed, 1), 403, "InvalidAuthenticationCode", BAD_CODES); /* one of them new */
	WORKS(enable(w, "ann", "phone", seed, 2));
	world_end(w);
}

static void eight_devices_a_user(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	for (int i = 0; i < 9; i++) {
		char name[8];
		snprintf(name, sizeof name, "d%d", i);
		struct str seed = made_device(w, name);
		struct test_reply r = enable(w, "ann", name, seed, 0);
		if (i < 8)
			WORKS(r);
		else
			REFUSED(r, 409, "LimitExceeded", "Cannot exceed quota for MFADevicesPerUser: 8");
	}
	world_end(w);
}

/* ---- clocks that are wrong ---------------------------------------------------------------------------- */

static void a_clock_that_is_off_is_known_from_two_codes(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann");
	struct str seed = made_device(w, "phone");
	WORKS(enable(w, "ann", "phone", seed, -12));
	EXPECT_ERR(check(w, ann, MFA("phone"), code_at(w, seed, 1)), E_INVALID);
	world_later(w, TOTP_STEP_MS);
	EXPECT_OK(check(w, ann, MFA("phone"), code_at(w, seed, -12)));
	world_later(w, 10 * TOTP_STEP_MS);
	EXPECT_ERR(check(w, ann, MFA("phone"), code_at(w, seed, 7)), E_INVALID);
	WORKS(resync(w, "ann", "phone", seed, 7));
	EXPECT_OK(check(w, ann, MFA("phone"), code_at(w, seed, 8)));
	world_later(w, 30 * TOTP_STEP_MS);
	WORKS(resync(w, "ann", "phone", seed, 0));
	EXPECT_OK(check(w, ann, MFA("phone"), code_at(w, seed, 1)));
	world_end(w);
}

static void resync_needs_two_new_codes(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	struct str seed = made_device(w, "phone");
	REFUSED(resync(w, "ann", "phone", seed, 0), 404, "NoSuchEntity", NOT_HIS);
	WORKS(enable(w, "ann", "phone", seed, 0));
	REFUSED(resync(w, "ann", "phone", seed, 0), 403, "InvalidAuthenticationCode", BAD_CODES);
	REFUSED(resync(w, "ann", "phone", seed, 40), 403, "InvalidAuthenticationCode", BAD_CODES);
	REFUSED(resync(w, "ann", "none", seed, 2), 404, "NoSuchEntity", NO_DEVICE("none"));
	WORKS(resync(w, "ann", "phone", seed, 2));
	world_end(w);
}

/* ---- users ------------------------------------------------------------------------------------------------ */

static void a_device_follows_its_user_to_another_name(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	struct str seed = made_device(w, "phone");
	WORKS(enable(w, "ann", "phone", seed, 0));
	WORKS(IAM(w, "UpdateUser", "{'UserName':'ann','NewUserName':'anna'}"));
	struct caller anna = user_caller(w, "anna");
	EXPECT_OK(check(w, anna, MFA("phone"), code_at(w, seed, 1)));
	struct test_reply r = IAM(w, "ListMFADevices", "{'UserName':'anna'}");
	EXPECT_STR(world_field(w, r, "MFADevices.0.UserName"), S("anna"));
	REFUSED(IAM(w, "DeleteUser", "{'UserName':'anna'}"), 409, "DeleteConflict",
		"Cannot delete entity, must delete MFA device first.");
	WORKS(deactivate(w, "anna", "phone"));
	WORKS(IAM(w, "DeleteUser", "{'UserName':'anna'}"));
	world_end(w);
}

static void a_user_sees_his_own_devices(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann");
	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	struct str seed = made_device(w, "phone");
	REFUSED(AS(w, ann, "iam", "GetMFADevice", "{'SerialNumber':'" MFA("phone") "'}"), 404, "NoSuchEntity",
		NO_DEVICE("phone"));
	WORKS(enable(w, "ann", "phone", seed, 0));
	struct test_reply r = AS(w, ann, "iam", "ListMFADevices", "{}");
	EXPECT_STR(world_field(w, r, "MFADevices.0.SerialNumber"), S(MFA("phone")));
	EXPECT_STR(world_field(w, r, "MFADevices.0.EnableDate"), S("1767225600"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("false"));
	r = AS(w, ann, "iam", "GetMFADevice", "{'SerialNumber':'" MFA("phone") "'}");
	EXPECT_STR(world_field(w, r, "UserName"), S("ann"));
	EXPECT_STR(world_field(w, r, "EnableDate"), S("1767225600"));
	make_user(w, "bob");
	FAILS(IAM(w, "GetMFADevice", "{'SerialNumber':'" MFA("phone") "','UserName':'bob'}"), "NoSuchEntity");
	FAILS(IAM(w, "ListMFADevices", "{'UserName':'eve'}"), "NoSuchEntity");
	world_end(w);
}

static void the_list_of_all_can_be_narrowed_and_paged(void)
{
	struct test_world *w = begin();
	make_user(w, "ann");
	struct str seed = made_device(w, "a");
	made_device(w, "b");
	made_device(w, "c");
	WORKS(enable(w, "ann", "a", seed, 0));
	struct test_reply r = IAM(w, "ListVirtualMFADevices", "{'AssignmentStatus':'Assigned'}");
	EXPECT_STR(world_field(w, r, "VirtualMFADevices.0.SerialNumber"), S(MFA("a")));
	EXPECT_STR(world_field(w, r, "VirtualMFADevices.0.User.UserName"), S("ann"));
	EXPECT(!world_field(w, r, "VirtualMFADevices.0.Base32StringSeed").p);
	EXPECT(!world_field(w, r, "VirtualMFADevices.1").p);
	r = IAM(w, "ListVirtualMFADevices", "{'AssignmentStatus':'Unassigned','MaxItems':1}");
	EXPECT_STR(world_field(w, r, "VirtualMFADevices.0.SerialNumber"), S(MFA("b")));
	EXPECT(!world_field(w, r, "VirtualMFADevices.0.User").p);
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	r = IAM(w, "ListVirtualMFADevices", "{'AssignmentStatus':'Unassigned','MaxItems':1,'Marker':'%.*s'}",
		PR(world_field(w, r, "Marker")));
	EXPECT_STR(world_field(w, r, "VirtualMFADevices.0.SerialNumber"), S(MFA("c")));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("false"));
	r = IAM(w, "ListVirtualMFADevices", "{}");
	EXPECT(world_field(w, r, "VirtualMFADevices.2").p);
	FAILS(IAM(w, "ListVirtualMFADevices", "{'AssignmentStatus':'Lost'}"), "ValidationError");
	world_end(w);
}

static void tags_come_and_go(void)
{
	struct test_world *w = begin();
	made_device(w, "phone");
	WORKS(IAM(w, "TagMFADevice",
		  "{'SerialNumber':'" MFA("phone") "','Tags':[{'Key':'b','Value':'1'},{'Key':'a','Value':'2'}]}"));
	WORKS(IAM(w, "TagMFADevice", "{'SerialNumber':'" MFA("phone") "','Tags':[{'Key':'B','Value':'3'}]}"));
	struct test_reply r = IAM(w, "ListMFADeviceTags", "{'SerialNumber':'" MFA("phone") "','MaxItems':1}");
	EXPECT_STR(world_field(w, r, "Tags.0.Value"), S("3"));
	EXPECT_STR(world_field(w, r, "IsTruncated"), S("true"));
	WORKS(IAM(w, "UntagMFADevice", "{'SerialNumber':'" MFA("phone") "','TagKeys':['b']}"));
	r = IAM(w, "ListMFADeviceTags", "{'SerialNumber':'" MFA("phone") "'}");
	EXPECT_STR(world_field(w, r, "Tags.0.Key"), S("a"));
	EXPECT(!world_field(w, r, "Tags.1").p);
	REFUSED(IAM(w, "TagMFADevice", "{'SerialNumber':'" MFA("none") "','Tags':[]}"), 404, "NoSuchEntity",
		NO_DEVICE("none"));
	FAILS(IAM(w, "UntagMFADevice", "{'SerialNumber':'" MFA("none") "','TagKeys':['b']}"), "NoSuchEntity");
	FAILS(IAM(w, "ListMFADeviceTags", "{'SerialNumber':'GAHT12345678'}"), "NoSuchEntity");
	world_end(w);
}

/* ---- root ---------------------------------------------------------------------------------------------------- */

static void root_has_devices_of_its_own(void)
{
	struct test_world *w = begin();
	struct caller ann = make_user(w, "ann");
	make_user(w, "root"); /* a user of that name is not root */
	WORKS(IAM(w, "PutUserPolicy", "{'UserName':'ann','PolicyName':'p','PolicyDocument':'" ALLOW_ALL "'}"));
	FAILS(AS(w, ann, "iam", "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'root-account-mfa-device'}"),
	      "AccessDenied");
	FAILS(AS(w, ann, "iam", "CreateVirtualMFADevice", "{'VirtualMFADeviceName':'Root-Account-MFA-device-2'}"),
	      "AccessDenied");
	struct str seed = made_device(w, "root-account-mfa-device");
	FAILS(enable(w, "ann", "root-account-mfa-device", seed, 0), "NoSuchEntity");
	WORKS(enable(w, "root", "root-account-mfa-device", seed, 0));
	EXPECT_OK(check(w, world_root(w), MFA("root-account-mfa-device"), code_at(w, seed, 1)));
	EXPECT_ERR(check(w, user_caller(w, "root"), MFA("root-account-mfa-device"), code_at(w, seed, 1)), E_NOT_FOUND);
	EXPECT_ERR(check(w, world_root_of(w, WORLD_OTHER), MFA("root-account-mfa-device"), code_at(w, seed, 1)),
		   E_NOT_FOUND);
	struct test_reply r = IAM(w, "ListMFADevices", "{}");
	EXPECT_STR(world_field(w, r, "MFADevices.0.SerialNumber"), S(MFA("root-account-mfa-device")));
	EXPECT(!world_field(w, IAM(w, "ListMFADevices", "{'UserName':'root'}"), "MFADevices.0").p);
	WORKS(IAM(w, "GetMFADevice", "{'SerialNumber':'" MFA("root-account-mfa-device") "'}"));
	r = IAM(w, "ListVirtualMFADevices", "{'AssignmentStatus':'Assigned'}");
	EXPECT_STR(world_field(w, r, "VirtualMFADevices.0.User.Arn"), S("arn:aws:iam::111122223333:root"));
	REFUSED(AS(w, ann, "iam", "DeactivateMFADevice",
		   "{'UserName':'root','SerialNumber':'" MFA("root-account-mfa-device") "'}"),
		403, "AccessDenied", "The root user's devices can be changed by the root user only.");
	WORKS(deactivate(w, "root", "root-account-mfa-device"));
	WORKS(IAM(w, "DeleteUser", "{'UserName':'root'}"));
	world_end(w);
}

RUN_ALL(T(a_device_is_made_with_everything_said), T(a_serial_number_has_at_most_256_characters),
	T(the_picture_is_the_qr_code_of_the_seed), T(more_than_a_qr_code_holds_is_refused), T(the_seed_lies_sealed),
	T(two_codes_that_follow_each_other_enable), T(a_device_is_enabled_for_one),
	T(old_codes_do_not_come_back_with_a_device), T(eight_devices_a_user),
	T(a_clock_that_is_off_is_known_from_two_codes), T(resync_needs_two_new_codes),
	T(a_device_follows_its_user_to_another_name), T(a_user_sees_his_own_devices),
	T(the_list_of_all_can_be_narrowed_and_paged), T(tags_come_and_go), T(root_has_devices_of_its_own))
