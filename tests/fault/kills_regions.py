"""Multi-Region keys in the load of kills.py: what is done in several regions is done in all of them, or in none.

Two of the calls leave a record in another region, too:

    replicate_key          CreateKey in the replica's region, exactly when ReplicateKey is in the primary's
    update_primary_region  UpdatePrimaryRegion in the new primary's; by KMS itself where it finished it after a crash
"""
from harness import eventually
from kills_kms import Own, teach
from kills_worker import HOME

ABROAD, THIRD = "eu-west-1", "ap-south-1"
REGIONS = (HOME, ABROAD, THIRD)
WATCHED = 8  # keys
LEAVES = {"replicate_key": "CreateKey", "update_primary_region": "UpdatePrimaryRegion"}


class Key:
    """What is believed of one."""

    def __init__(self):
        self.primary, self.replicas, self.disabled, self.rotated, self.sealed = HOME, set(), set(), 0, []

    def regions(self):
        return {self.primary, *self.replicas}

    def enabled(self):
        return sorted(self.regions() - self.disabled)


class Regions(Own):
    """Replicas, moves of the primary, rotations, keys disabled in one region alone; used across regions."""
    services = ()
    gone = ("NotFoundException",)

    def prepare(self):
        self.keys = {}

    def connect(self):
        self.at = {}
        for region in REGIONS:
            self.at[region] = self.run.server.client("kms", region=region)
            self.at[region].meta.events.register("before-send", self.put_name)
            teach(self.at[region])
        self.kms = self.at[HOME]

    def region_of(self, client):
        return client.meta.region_name

    def know_new(self, key):
        self.keys[key] = Key()
        if len(self.keys) > WATCHED:
            del self.keys[next(iter(self.keys))]  # the oldest: new ones are still to be replicated

    # ---- what is there

    def there_now(self, key):
        """region -> metadata, of those that have it."""
        found = {r: self.there(self.at[r], "describe_key", self.gone, KeyId=key) for r in REGIONS}
        return {r: got["KeyMetadata"] for r, got in found.items() if got}

    def agreement(self, key):
        """(primary, replicas), when every region says the same and it is so; else None."""
        found = self.there_now(key)
        says = set()
        for region, meta in found.items():
            c = meta["MultiRegionConfiguration"]
            primary, replicas = c["PrimaryKey"]["Region"], frozenset(k["Region"] for k in c["ReplicaKeys"])
            if meta["KeyState"] == "Updating" or (c["MultiRegionKeyType"] == "PRIMARY") != (primary == region):
                return None
            says.add((primary, replicas))
        if len(says) != 1:
            return None
        primary, replicas = says.pop()
        return (primary, set(replicas)) if set(found) == {primary, *replicas} else None

    def agreed(self, key):
        """The same, when what a crash interrupted has been finished: nobody needs to ask for that."""
        try:
            return eventually(lambda: self.agreement(key))
        except AssertionError:
            raise AssertionError(f"the regions of {key} do not agree: {self.there_now(key)}") from None

    def rotations(self, key, region):
        self.agreed(key)
        return len(self.look(self.at[region], "list_key_rotations", KeyId=key)["Rotations"])

    # ---- calls

    def replicate(self, key):
        k, region = self.keys[key], self.random.choice(sorted(set(REGIONS) - self.keys[key].regions()))
        self.either(self.at[k.primary], "replicate_key", lambda: self.agreed(key)[1], lambda found: region in found,
                    lambda _: k.replicas.add(region), KeyId=key, ReplicaRegion=region, Description=f"{self.name} {self.number}")

    def move(self, key, to):
        k, old = self.keys[key], self.keys[key].primary

        def know(_):
            k.primary, k.replicas = to, k.replicas - {to} | {old}
        self.either(self.at[old], "update_primary_region", lambda: self.agreed(key)[0], lambda found: found == to, know,
                    KeyId=key, PrimaryRegion=to)

    def rotate(self, key):
        k, before = self.keys[key], self.keys[key].rotated
        self.either(self.at[k.primary], "rotate_key_on_demand", lambda: self.rotations(key, k.primary), lambda found: found > before,
                    lambda _: setattr(k, "rotated", before + 1), KeyId=key)

    def switch(self, key, region):
        k = self.keys[key]
        off = region not in k.disabled

        def know(_):
            (k.disabled.add if off else k.disabled.discard)(region)
        self.either(self.at[region], "disable_key" if off else "enable_key",
                    lambda: self.there_now(key)[region]["KeyState"] == "Disabled", lambda found: found == off, know, KeyId=key)

    def use(self, key):
        k = self.keys[key]
        seals, opens = self.random.choice(k.enabled()), self.random.choice(k.enabled())
        plain = self.random.randbytes(40)
        blob = self.call(self.at[seals], "encrypt", False, KeyId=key, Plaintext=plain)["CiphertextBlob"]
        k.sealed = [*k.sealed[-5:], (blob, plain)]
        got = self.call(self.at[opens], "decrypt", False, CiphertextBlob=blob)["Plaintext"]
        self.expect(got == plain, f"what {seals} encrypted {opens} decrypts to something else")

    def step(self):
        if len(self.keys) < 2 or self.random.random() < 0.12:
            return self.create(self.know_new, self.keys, MultiRegion=True)
        key, what = self.random.choice(list(self.keys)), self.random.random()
        k = self.keys[key]
        if what < 0.15 or not k.enabled():
            return self.switch(key, self.random.choice(sorted(k.regions())))
        if k.primary in k.disabled:
            return self.use(key)
        heirs = sorted(k.replicas - k.disabled)
        if what < 0.5 and len(k.regions()) < len(REGIONS):
            return self.replicate(key)
        if what < 0.6 and heirs:
            return self.move(key, self.random.choice(heirs))
        if what < 0.75 and k.rotated < 25:
            return self.rotate(key)
        return self.use(key)

    def check(self):
        for key, k in self.keys.items():
            self.expect(self.agreed(key) == (k.primary, k.replicas), f"{key} is in {self.agreed(key)}, acknowledged {vars(k)}")
            off = {r for r, meta in self.there_now(key).items() if meta["KeyState"] == "Disabled"}
            self.expect(off == k.disabled, f"{key} is disabled in {off}, acknowledged {k.disabled}")
            for region in k.regions():
                found = self.rotations(key, region)
                self.expect(found == k.rotated, f"{key} was rotated {found} times in {region}, acknowledged {k.rotated}")
            for region in k.enabled():
                blob = self.look(self.at[region], "encrypt", KeyId=key, Plaintext=b"whole")["CiphertextBlob"]
                for cipher, plain in [(blob, b"whole"), *k.sealed]:
                    for opens in k.enabled():
                        got = self.look(self.at[opens], "decrypt", CiphertextBlob=cipher)["Plaintext"]
                        self.expect(got == plain, f"a ciphertext under {key} decrypts to something else in {opens}")


def judge_abroad(c, done, events):
    """Are these the records that the call, of which its own region has `done` successes, leaves in other regions?"""
    shown = [(e["awsRegion"], e["eventName"]) for e in events if "errorCode" not in e]
    if len(shown) < len(events) or c.operation not in LEAVES:
        return not events
    one = [(c.to, LEAVES[c.operation])] * done
    return shown == one or (c.operation == "update_primary_region" and c.end == "lost" and not shown)
