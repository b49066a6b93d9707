"""KMS's part of the load of kills.py: keys and what hangs on them, their material, and who may use them."""
import json
import os
import pathlib
import sys

from botocore.exceptions import ClientError

from harness import allow, code
from kills_worker import Call, Worker

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "api"))

from kmsimport import wrapped  # noqa: E402


class Keys(Worker):
    """KMS keys, their states, aliases and ciphertexts."""
    services = ("kms",)
    gone = ("NotFoundException",)
    kept = 6

    def prepare(self):
        self.keys, self.aliases, self.sealed = {}, {}, []  # id -> state; alias -> id; (id, ciphertext, plaintext)

    def state(self, key):
        got = self.there(self.kms, "describe_key", self.gone, KeyId=key)
        return got and got["KeyMetadata"]["KeyState"]

    def known(self):
        """Every key of the account with its description."""
        self.current = Call(f"look-{self.name}", "list_keys", False)
        ids = [k["KeyId"] for page in self.kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1000})
               for k in page["Keys"]]
        return {i: self.look(self.kms, "describe_key", KeyId=i)["KeyMetadata"]["Description"] for i in ids if i not in self.keys}

    def create(self):
        words = f"{self.name} {self.number}"

        def doubt():
            new = [i for i, text in self.known().items() if text == words]
            self.expect(len(new) <= 1, f"{len(new)} keys of one call")
            self.keys.update((i, "Enabled") for i in new)
            return bool(new)
        made = self.call(self.kms, "create_key", True, doubt, Description=words)
        self.keys[made["KeyMetadata"]["KeyId"]] = "Enabled"

    def move(self, key, operation, state, **parameters):
        def doubt():
            found = self.state(key)
            self.expect(found in (self.keys[key], state), f"{key} is {found}")
            self.keys[key] = found
            return found == state
        self.call(self.kms, operation, True, doubt, KeyId=key, **parameters)
        self.keys[key] = state

    def targets(self):
        mine = f"alias/{self.run.tag}-{self.name}-"
        self.current = Call(f"look-{self.name}", "list_aliases", False)
        return {a["AliasName"]: a["TargetKeyId"] for page in self.kms.get_paginator("list_aliases").paginate()
                for a in page["Aliases"] if a["AliasName"].startswith(mine)}

    def alias(self, name, operation, target, **parameters):
        old = self.aliases.get(name)

        def doubt():
            found = self.targets().get(name)
            self.expect(found in (old, target), f"{name} points to {found}")
            if found:
                self.aliases[name] = found
            else:
                self.aliases.pop(name, None)
            return found == target
        self.call(self.kms, operation, True, doubt, AliasName=name, **parameters)
        self.aliases[name] = target
        if not target:
            del self.aliases[name]

    def step_alias(self, key):
        name = f"alias/{self.run.tag}-{self.name}-{self.random.randrange(4)}"
        if name not in self.aliases:
            return self.alias(name, "create_alias", key, TargetKeyId=key)
        if self.aliases[name] != key and self.random.random() < 0.5:
            return self.alias(name, "update_alias", key, TargetKeyId=key)
        return self.alias(name, "delete_alias", None)

    def use(self, key):
        if self.sealed and self.random.random() < 0.5:
            of, sealed, plain = self.random.choice(self.sealed)
            if self.keys[of] == "Enabled":
                got = self.call(self.kms, "decrypt", False, CiphertextBlob=sealed)
                self.expect(got["Plaintext"] == plain, "a ciphertext decrypts to something else")
        elif self.keys[key] == "Enabled":
            plain = self.random.randbytes(40)
            self.sealed = self.sealed[-10:] + [(key, self.call(self.kms, "encrypt", False, KeyId=key, Plaintext=plain)["CiphertextBlob"],
                                                plain)]

    def step(self):
        if len(self.keys) < 2 or (len(self.keys) < self.kept and self.random.random() < 0.05):
            return self.create()
        key, what = self.random.choice(list(self.keys)), self.random.random()
        if what < 0.35:
            return self.use(key)
        if what < 0.6 and self.keys[key] != "PendingDeletion":
            return self.step_alias(key)
        if self.keys[key] == "PendingDeletion":
            return self.move(key, "cancel_key_deletion", "Disabled")
        if what > 0.95:
            return self.move(key, "schedule_key_deletion", "PendingDeletion", PendingWindowInDays=7)
        turn = ("disable_key", "Disabled") if self.keys[key] == "Enabled" else ("enable_key", "Enabled")
        return self.move(key, *turn)

    def check(self):
        for key, state in self.keys.items():
            self.expect(self.state(key) == state, f"{key} is {self.state(key)}, acknowledged was {state}")
        self.expect(self.targets() == self.aliases, f"aliases {self.targets()}, acknowledged {self.aliases}")
        for key, sealed, plain in self.sealed:
            if self.keys[key] == "Enabled":
                got = self.look(self.kms, "decrypt", CiphertextBlob=sealed)["Plaintext"]
                self.expect(got == plain, "a ciphertext of before decrypts to something else")


NEWER = {"RotateKeyOnDemand": {"KeyId": "string"}, "ListKeyRotations": {"KeyId": "string"}}


def teach(client):
    """Operations that the installed botocore does not know yet."""
    model = client.meta.service_model._service_description
    for name, members in NEWER.items():
        if name in model["operations"]:
            continue
        model["shapes"][f"{name}Request"] = {"type": "structure", "members": {m: {"shape": "KeyIdType"} for m in members}}
        rotation = {"type": "structure", "members": {"KeyId": {"shape": "KeyIdType"}, "RotationType": {"shape": "KeyIdType"}}}
        model["shapes"]["Rotation_"] = rotation
        model["shapes"]["Rotations_"] = {"type": "list", "member": {"shape": "Rotation_"}}
        model["shapes"][f"{name}Response"] = {"type": "structure", "members": {"KeyId": {"shape": "KeyIdType"}, "Rotations": {"shape": "Rotations_"}}}
        model["operations"][name] = {"name": name, "http": {"method": "POST", "requestUri": "/"},
                                     "input": {"shape": f"{name}Request"}, "output": {"shape": f"{name}Response"}, "errors": []}
    client.rotate_key_on_demand = lambda **p: client._make_api_call("RotateKeyOnDemand", p)
    client.list_key_rotations = lambda **p: client._make_api_call("ListKeyRotations", p)


class Own(Worker):
    """Keys of its own, told by their descriptions."""
    services = ("kms",)

    def connect(self):
        super().connect()
        teach(self.kms)

    def ids(self):
        self.current = Call(f"look-{self.name}", "list_keys", False)
        return [k["KeyId"] for page in self.kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 1000}) for k in page["Keys"]]

    def create(self, know, known, **more):
        words = f"{self.name} {self.number}"

        def doubt():
            new = [i for i in self.ids() if i not in known and self.metadata(i)["Description"] == words]
            self.expect(len(new) <= 1, f"{len(new)} keys of one call")
            for i in new:
                know(i)
            return bool(new)
        know(self.call(self.kms, "create_key", True, doubt, Description=words, **more)["KeyMetadata"]["KeyId"])

    def metadata(self, key):
        return self.look(self.kms, "describe_key", KeyId=key)["KeyMetadata"]

    def opens(self, sealed, plain):
        self.expect(self.look(self.kms, "decrypt", CiphertextBlob=sealed)["Plaintext"] == plain, "a ciphertext decrypts to something else")


class Materials(Own):
    """Imported key material: there whole, or not at all; what was deleted stays shredded until it is imported again."""

    def prepare(self):
        self.keys = {}  # id -> [material, is it there, [(ciphertext, plaintext)]]

    def new(self, key):
        self.keys[key] = [os.urandom(32), False, []]

    def move(self, key, operation, there, **parameters):
        def know(_):
            self.keys[key][1] = there
        self.either(self.kms, operation, lambda: self.metadata(key)["KeyState"] == "Enabled", lambda found: found == there, know,
                    KeyId=key, **parameters)

    def bring(self, key):
        p = self.call(self.kms, "get_parameters_for_import", False, KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048")
        self.move(key, "import_key_material", True, ImportToken=p["ImportToken"], ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
                  EncryptedKeyMaterial=wrapped(p["PublicKey"], self.keys[key][0], "RSAES_OAEP_SHA_256"))

    def step(self):
        if len(self.keys) < 3:
            return self.create(self.new, self.keys, Origin="EXTERNAL")
        key = self.random.choice(list(self.keys))
        _, there, sealed = self.keys[key]
        if not there:
            return self.bring(key)
        if sealed and self.random.random() < 0.5:
            return self.move(key, "delete_imported_key_material", False)
        plain = self.random.randbytes(40)
        sealed.append((self.call(self.kms, "encrypt", False, KeyId=key, Plaintext=plain)["CiphertextBlob"], plain))
        del sealed[:-5]
        return None

    def shredded(self, key, sealed):
        for operation, parameters in [("encrypt", {"KeyId": key, "Plaintext": b"x"})] + [("decrypt", {"CiphertextBlob": blob}) for blob, _ in sealed]:
            try:
                self.look(self.kms, operation, **parameters)
            except ClientError as e:
                self.expect(code(e)[0] == "KMSInvalidStateException", f"{operation} without material: {e}")
            else:
                self.expect(False, f"{operation} works under {key}, whose material was deleted")

    def check(self):
        for key, (_, there, sealed) in self.keys.items():
            state = self.metadata(key)["KeyState"]
            self.expect(state == ("Enabled" if there else "PendingImport"), f"{key} is {state}, acknowledged was {there}")
            if not there:
                self.shredded(key, sealed)
                continue
            blob = self.look(self.kms, "encrypt", KeyId=key, Plaintext=b"whole")["CiphertextBlob"]
            for cipher, plain in [(blob, b"whole"), *sealed]:
                self.opens(cipher, plain)


class Rules(Own):
    """Grants, key policies, and rotations on demand."""

    def prepare(self):
        self.keys = {}  # id -> [Sid of its policy, {grant's name: its id}, how often rotated, [(ciphertext, plaintext)]]
        self.user = self.run.nobody_arn

    def new(self, key):
        self.keys[key] = [None, {}, 0, []]

    def grants(self, key):
        self.current = Call(f"look-{self.name}", "list_grants", False)
        return {g["Name"]: g["GrantId"] for page in self.kms.get_paginator("list_grants").paginate(KeyId=key) for g in page["Grants"]}

    def rotations(self, key):
        return len(self.look(self.kms, "list_key_rotations", KeyId=key)["Rotations"])

    def sid(self, key):
        document = json.loads(self.look(self.kms, "get_key_policy", KeyId=key, PolicyName="default")["Policy"])
        return document["Statement"][1]["Sid"] if len(document["Statement"]) > 1 else None

    def policy(self, sid):
        root = f"arn:aws:iam::{self.run.server.account}:root"
        return json.dumps({"Version": "2012-10-17", "Statement": [allow("kms:*", Principal={"AWS": root}),
                                                                  allow("kms:Decrypt", Sid=sid, Principal={"AWS": root})]})

    def step_grant(self, key, grants):
        name = f"g{self.number}"
        if len(grants) < 5 and (not grants or self.random.random() < 0.6):
            def know(made):
                grants[name] = made["GrantId"] if made else self.grants(key)[name]
            return self.either(self.kms, "create_grant", lambda: self.grants(key), lambda found: name in found, know, KeyId=key, Name=name,
                               GranteePrincipal=self.user, Operations=["Decrypt", "Encrypt"])
        which = self.random.choice(list(grants))
        return self.either(self.kms, "revoke_grant", lambda: self.grants(key), lambda found: which not in found, lambda _: grants.pop(which),
                           KeyId=key, GrantId=grants[which])

    def step(self):
        if len(self.keys) < 2:
            return self.create(self.new, self.keys)
        key, what = self.random.choice(list(self.keys)), self.random.random()
        rules = self.keys[key]
        if what < 0.4:
            return self.step_grant(key, rules[1])
        if what < 0.6:
            sid = f"s{self.number}"
            return self.either(self.kms, "put_key_policy", lambda: self.sid(key), lambda found: found == sid,
                               lambda _: rules.__setitem__(0, sid), KeyId=key, PolicyName="default", Policy=self.policy(sid))
        if what < 0.7 and rules[2] < 25:
            return self.either(self.kms, "rotate_key_on_demand", lambda: self.rotations(key), lambda found: found > rules[2],
                               lambda _: rules.__setitem__(2, rules[2] + 1), KeyId=key)
        plain = self.random.randbytes(40)
        rules[3].append((self.call(self.kms, "encrypt", False, KeyId=key, Plaintext=plain)["CiphertextBlob"], plain))
        del rules[3][:-8]
        return None

    def check(self):
        for key, (sid, grants, rotated, sealed) in self.keys.items():
            found = (self.sid(key), self.grants(key), self.rotations(key))
            self.expect(found == (sid, grants, rotated), f"{key} has policy, grants, rotations {found}, acknowledged {(sid, grants, rotated)}")
            for cipher, plain in sealed:
                self.opens(cipher, plain)
