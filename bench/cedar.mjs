// Cedar (WebAssembly) deciding over the same rules as src/policy/policy_bench.c: 10 policies of 10 statements.
//   node bench/cedar.mjs PEERS-DIR
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.resolve(process.argv[2], "index.js"));
const cedar = require("@cedar-policy/cedar-wasm/nodejs");

let text = "";
for (let p = 0; p < 10; p++)
  for (let s = 0; s < 10; s++)
    text += `permit(principal == User::"app", action == Action::"s3:GetObject${p}${s}", resource == Object::"bucket${p}/key${s}");\n`;
text += `permit(principal == User::"app", action == Action::"s3:GetObject", resource == Object::"bucket/key");\n`;
const call = {
  principal: { type: "User", id: "app" }, action: { type: "Action", id: "s3:GetObject" }, resource: { type: "Object", id: "bucket/key" },
  context: {}, entities: [], preparsedPolicySetId: "bench",
};
cedar.preparsePolicySet("bench", { staticPolicies: text });
const ask = () => cedar.statefulIsAuthorized(call);
const first = ask();
if (first.type !== "success" || first.response.decision !== "allow") throw new Error(JSON.stringify(first));
for (let i = 0; i < 2000; i++) ask();
const n = 20000, began = process.hrtime.bigint();
for (let i = 0; i < n; i++) ask();
const ns = Number(process.hrtime.bigint() - began) / n;
console.log(`cedar-wasm, 101 policies: ${ns.toFixed(0)} ns per decision`);
