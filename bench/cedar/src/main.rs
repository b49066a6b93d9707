// SPDX-License-Identifier: Apache-2.0
//! Cedar deciding over the rules and the questions of src/policy/policy_bench.c.
//!
//! A statement of the bench becomes one Cedar policy: its actions are the scope's, its resources and conditions the
//! `when` clause. (Cedar's actions know no wildcards, and no question asks for what only a wildcard names.) The
//! policies are parsed once and asked through the API a Rust program would use. Two figures: the decision alone, over
//! requests made beforehand, and with context and request made each time, as policy_bench makes its own.
use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request, RestrictedExpression};
use std::fmt::Write;
use std::hint::black_box;
use std::str::FromStr;
use std::time::Instant;

const REQUESTS: usize = 64;
const SERVICES: [&str; 10] = ["s3", "kms", "dynamodb", "sqs", "iam", "ec2", "logs", "lambda", "sns", "sts"];
const VERBS: [&str; 8] = ["Get", "Put", "List", "Describe", "Create", "Delete", "Update", "Tag"];

fn policies(n: usize) -> PolicySet {
    let mut text = String::new();
    for i in 0..n {
        let s = SERVICES[i % SERVICES.len()];
        let effect = if i % 9 == 8 { "forbid" } else { "permit" };
        let third = if i % 4 == 0 { "All" } else { "One" };
        write!(
            text,
            "{effect}(principal, action in [Action::\"{s}:{}Thing{i}\", Action::\"{s}:{}Item\", Action::\"{s}:{}{third}\"], resource) when {{ \
             (context.resource like \"arn:aws:{s}:::thing-{}/*\" || context.resource == \"arn:aws:{s}:::other-{i}\")",
            VERBS[i % 8],
            VERBS[(i + 3) % 8],
            VERBS[(i + 5) % 8],
            i % 50
        )
        .unwrap();
        if i % 3 == 0 {
            text.push_str(
                " && context.team == \"blue\" && (context.sourceIp.isInRange(ip(\"203.0.113.0/24\")) || \
                 context.sourceIp.isInRange(ip(\"10.0.0.0/8\")))",
            );
        }
        text.push_str(" };\n");
    }
    PolicySet::from_str(&text).unwrap()
}

struct Question {
    principal: EntityUid,
    action: EntityUid,
    resource: EntityUid,
    arn: String,
}

fn questions() -> Vec<Question> {
    (0..REQUESTS)
        .map(|i| {
            let s = SERVICES[i % SERVICES.len()];
            let action = if i % 2 == 1 { format!("{s}:{}Thing{i}", VERBS[i % 8]) } else { format!("{s}:{}Item", VERBS[(i + 3) % 8]) };
            let arn = format!("arn:aws:{s}:::thing-{}/path/to/an/object-{i}", i % 50);
            Question {
                principal: EntityUid::from_str("User::\"alice\"").unwrap(),
                action: EntityUid::from_str(&format!("Action::\"{action}\"")).unwrap(),
                resource: EntityUid::from_str(&format!("Object::\"{arn}\"")).unwrap(),
                arn,
            }
        })
        .collect()
}

fn request(q: &Question) -> Request {
    let text = |s: &str| RestrictedExpression::new_string(s.to_string());
    let context = Context::from_pairs([
        ("resource".to_string(), text(&q.arn)),
        ("team".to_string(), text("blue")),
        ("sourceIp".to_string(), RestrictedExpression::new_ip("10.1.2.3")),
        ("secureTransport".to_string(), RestrictedExpression::new_bool(true)),
        ("currentTime".to_string(), text("2026-01-01T00:00:00Z")),
        ("epochTime".to_string(), RestrictedExpression::new_long(1767225600)),
        ("userAgent".to_string(), text("aws-cli/2.9.19")),
        ("requestedRegion".to_string(), text("us-east-1")),
    ])
    .unwrap();
    Request::new(q.principal.clone(), q.action.clone(), q.resource.clone(), context, None).unwrap()
}

/// The median over rounds of the time for one of REQUESTS decisions, and how many were allowed.
fn measure(rounds: usize, mut ask: impl FnMut(usize) -> bool) -> (f64, usize) {
    let mut took = Vec::new();
    let mut allowed = 0;
    for _ in 0..rounds {
        let began = Instant::now();
        allowed = (0..REQUESTS).filter(|&i| ask(i)).count();
        took.push(began.elapsed().as_nanos() as f64 / REQUESTS as f64);
    }
    took.sort_by(f64::total_cmp);
    (took[rounds / 2], allowed)
}

fn main() {
    let authorizer = Authorizer::new();
    let entities = Entities::empty();
    let asked = questions();
    let made: Vec<Request> = asked.iter().map(request).collect();
    for n in [100, 1000] {
        let set = policies(n);
        let decide = |r: &Request| black_box(authorizer.is_authorized(r, &set, &entities)).decision() == Decision::Allow;
        let rounds = 40000 / n;
        let (alone, allowed) = measure(rounds, |i| decide(&made[i]));
        let (whole, _) = measure(rounds, |i| decide(&request(&asked[i])));
        println!(
            "cedar, native, {n} policies: p50 {alone:.0} ns per decision, {whole:.0} ns with its context; {}% allowed",
            allowed * 100 / REQUESTS
        );
    }
}
