//! When events are sent, and what each answer of the collector means.

use sendoff::engine::io::{PageEvent, RetryAfter};
use sendoff::model::drop_reason::DropReason;
use sendoff::model::time::UnixMillis;

use crate::collector::{Answer, Sent};
use crate::world::{WALL_START_MS, World};

#[test]
fn an_event_waits_for_the_interval_and_not_longer() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.track(tab, "checkout");
    world.pass(1_999);
    assert!(world.sent.is_empty());
    world.pass(1);
    assert_eq!(world.sent[0].names(), ["checkout"]);
    assert_eq!(world.stored(tab), [1]);
}

/// Its timers may fire once a minute, or never again.
#[test]
fn a_hidden_page_waits_for_no_interval() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.page(tab, PageEvent::Hidden);
    world.track(tab, "in the background");
    assert_eq!(world.stored(tab), [1]);
    world.page(tab, PageEvent::Visible);
    world.track(tab, "in front");
    assert_eq!(world.stored(tab), [1]);
}

#[test]
fn a_full_batch_leaves_at_once_and_a_flush_sends_the_rest() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.burst(tab, 49);
    assert!(world.sent.is_empty());
    world.burst(tab, 3);
    assert_eq!(world.stored(tab), (1..=50).collect::<Vec<_>>());
    let flush = world.flush(tab);
    assert_eq!(world.stored(tab), (1..=52).collect::<Vec<_>>());
    assert_eq!(world.flushed(tab, flush), [(2, 0, 0)]);
}

#[test]
fn without_the_timer_only_count_and_flush_send() {
    let (mut world, tab) = World::with_tab(|opening| opening.config.disable_timer = true);
    world.track(tab, "quiet");
    world.pass(60_000);
    assert!(world.sent.is_empty());
    world.flush(tab);
    assert_eq!(world.stored(tab), [1]);
}

#[test]
fn a_batch_is_bounded_by_count_and_by_bytes() {
    let (mut world, tab) = World::with_tab(|opening| {
        opening.config.max_batch_size = 30;
        opening.config.max_payload_bytes = 5_000;
    });
    let large = world.record("large", &format!("{{\"text\":\"{}\"}}", "x".repeat(1_500)));
    world.calls(tab, &[large.as_str(); 4].join("\n"));
    world.burst(tab, 40);
    world.flush(tab);
    let counts: Vec<usize> = world.sent.iter().map(|sent| sent.seqs().len()).collect();
    assert!(counts.iter().all(|count| (1..=30).contains(count)));
    assert!(
        counts[0] == 2,
        "two large ones fit, three do not: {counts:?}"
    );
    assert!(world.sent.iter().all(|sent| sent.body.len() <= 5_000));
    assert_eq!(world.stored(tab).len(), 44);
}

#[test]
fn an_event_that_could_never_fit_is_refused_and_blocks_nobody() {
    let (mut world, tab) = World::with_tab(|opening| opening.config.max_payload_bytes = 5_000);
    let giant = world.record("giant", &format!("{{\"text\":\"{}\"}}", "x".repeat(5_000)));
    world.calls(tab, &giant);
    world.track(tab, "small");
    world.flush(tab);
    assert_eq!(world.errors(tab), ["event_too_large"]);
    assert_eq!(world.stats(tab).refused[0].count, 1);
    assert_eq!(world.sent[0].names(), ["small"]);
    assert_eq!(world.stored(tab), [1], "what is refused uses no number up");
}

#[test]
fn identify_and_alias_are_flushed_at_once() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.track(tab, "before");
    world.calls(
        tab,
        "identify\t1768478400000\t0\tuser=\"u1\"\tprops={\"plan\":\"pro\"}",
    );
    assert_eq!(world.sent[0].names(), ["before", "$identify"]);
    world.calls(tab, "alias\t1768478400000\t0\tuser=\"u2\"");
    assert_eq!(world.sent[1].names(), ["$alias"]);
    let alias = world.sent[1].json();
    assert_eq!(alias["events"][0]["properties"]["previousId"], "u1");
    assert_eq!(alias["events"][0]["userId"], "u2");
}

#[test]
fn an_event_leaves_the_queue_only_after_a_2xx() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.collector.script.push_back(Answer::Hang);
    world.track(tab, "kept");
    world.flush(tab);
    assert_eq!((world.sent.len(), world.stats(tab).pending), (1, 1));
    assert!(!world.journal(tab).is_empty());
    world.answer(tab, &Answer::Ok);
    assert_eq!(
        (world.stats(tab).delivered, world.stats(tab).pending),
        (1, 0)
    );
    assert!(world.journal(tab).is_empty());
}

#[test]
fn what_fails_on_the_way_is_repeated_to_the_byte() {
    let (mut world, tab) = World::with_tab(|_| {});
    world
        .collector
        .script
        .extend([Answer::Network, Answer::Lost]);
    world.burst(tab, 3);
    world.flush(tab);
    world.pass(1_000);
    assert_eq!(world.sent.len(), 3);
    assert!(
        world
            .sent
            .iter()
            .all(|sent| sent.body == world.sent[0].body)
    );
    assert_eq!(
        world.collector.duplicates, 3,
        "the lost answer's events came twice"
    );
    assert_eq!(world.stored(tab), [1, 2, 3], "and are in the data once");
    assert_eq!(world.stats(tab).retries, 2);
}

#[test]
fn answers_that_promise_a_better_day_are_waited_out() {
    for code in [408, 429, 500, 502, 503, 599] {
        let (mut world, tab) = World::with_tab(|_| {});
        world.collector.script.push_back(Answer::Status(code));
        world.track(tab, "patient");
        world.flush(tab);
        assert_eq!(world.stats(tab).pending, 1, "{code}");
        world.pass(300);
        assert_eq!(world.stored(tab), [1], "{code}");
        assert!(world.failures(tab).is_empty(), "{code}: the go went on");
    }
}

#[test]
fn no_answer_within_the_timeout_is_a_failure() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.collector.script.push_back(Answer::Hang);
    world.track(tab, "slow");
    world.flush(tab);
    world.pass(4_999);
    assert_eq!(world.sent.len(), 1);
    world.pass(301);
    assert!(world.sent[1].is_query(), "it may have arrived");
    assert_eq!(world.sent.len(), 3);
    assert_eq!(world.stored(tab), [1]);
}

#[test]
fn waits_double_and_are_drawn_below_their_bound() {
    let mut longest = [0; 4];
    for seed in 0..40 {
        let (mut world, tab) = World::with_tab(|opening| {
            opening.host.seed = seed;
            opening.config.max_retries = 20;
        });
        world.collector.rule = Some(|_| Answer::Network);
        world.track(tab, "unlucky");
        world.flush(tab);
        world.pass(4_000);
        let times: Vec<u64> = world.sent.iter().map(|sent| sent.at).collect();
        for (attempt, pair) in times.windows(2).take(4).enumerate() {
            let wait = pair[1] - pair[0];
            assert!(wait <= 300 << attempt, "attempt {attempt} waited {wait} ms");
            longest[attempt] = longest[attempt].max(wait);
        }
    }
    for (attempt, wait) in longest.into_iter().enumerate() {
        assert!(
            wait > 150 << attempt,
            "attempt {attempt} never used its span: {wait} ms"
        );
    }
}

#[test]
fn a_go_has_three_attempts_then_the_batch_waits_for_the_next_flush() {
    let (mut world, tab) = World::with_tab(|opening| opening.config.disable_timer = true);
    world
        .collector
        .script
        .extend([Answer::Status(503), Answer::Network, Answer::Network]);
    world.track(tab, "kept");
    let flush = world.flush(tab);
    world.pass(60_000);
    assert_eq!(world.sent.len(), 3);
    assert_eq!(
        world.failures(tab),
        [(0, 1)],
        "told once, with the last status"
    );
    assert_eq!(world.flushed(tab, flush), [(0, 1, 0)]);
    world.flush(tab);
    assert_eq!(world.stored(tab), [1]);
}

#[test]
fn retry_after_in_seconds_is_obeyed_whoever_asks() {
    let (mut world, tab) = World::with_tab(|_| {});
    world
        .collector
        .script
        .push_back(Answer::After(429, RetryAfter::Millis(7_000)));
    world.track(tab, "patient");
    world.flush(tab);
    let told = world.now;
    world.pass(3_000);
    world.burst(tab, 60);
    world.flush(tab);
    world.page(tab, PageEvent::Hidden);
    world.page(tab, PageEvent::Visible);
    world.pass(3_999);
    assert_eq!(world.sent.len(), 1);
    world.pass(1);
    assert_eq!(world.sent[1].at, told + 7_000);
    assert_eq!(world.stored(tab).len(), 61);
}

#[test]
fn retry_after_as_a_date_is_obeyed() {
    let (mut world, tab) = World::with_tab(|_| {});
    let date = RetryAfter::At(UnixMillis(WALL_START_MS + 20_000));
    world.collector.script.push_back(Answer::After(503, date));
    world.track(tab, "patient");
    world.flush(tab);
    world.pass(60_000);
    assert_eq!(world.sent[1].at, 20_000);
    assert_eq!(world.stored(tab), [1]);
}

#[test]
fn a_batch_that_is_too_large_is_halved_and_a_single_event_given_up() {
    fn two_at_most_and_no_poison(sent: &Sent) -> Answer {
        let names = sent.names();
        let refused = names.len() > 2 || names == ["poison"];
        if refused {
            Answer::Status(413)
        } else {
            Answer::Ok
        }
    }
    let (mut world, tab) = World::with_tab(|_| {});
    world.collector.rule = Some(two_at_most_and_no_poison);
    let names = ["a", "b", "c", "d", "e", "f", "poison"];
    let records: Vec<String> = names.iter().map(|name| world.record(name, "{}")).collect();
    world.calls(tab, &records.join("\n"));
    // Poisoned in company is refused alone only after it was split off.
    world.flush(tab);
    world.pass(10_000);
    let stored = world.stored(tab);
    assert_eq!(
        stored,
        [1, 2, 3, 4, 5, 6, 7],
        "the poison passes in company"
    );

    let alone = world.record("poison", "{}");
    world.calls(tab, &alone);
    world.flush(tab);
    assert_eq!(world.drops(tab), [(DropReason::TooLarge, 1)]);
    assert_eq!(world.stats(tab).pending, 0);
    world.track(tab, "next");
    world.flush(tab);
    assert_eq!(world.explained(tab), [(8, 8, "too_large".to_owned())]);
    assert_eq!(world.stored(tab), [1, 2, 3, 4, 5, 6, 7, 9]);
}

#[test]
fn a_refusal_for_good_is_final_and_said_so() {
    for code in [400, 422] {
        let (mut world, tab) = World::with_tab(|_| {});
        world.collector.script.push_back(Answer::Status(code));
        world.burst(tab, 4);
        world.flush(tab);
        assert_eq!(world.drops(tab), [(DropReason::Rejected, 4)], "{code}");
        assert_eq!(world.failures(tab), [(code, 4)]);
        assert!(world.journal(tab).is_empty(), "{code}");
        world.track(tab, "next");
        world.flush(tab);
        assert_eq!(world.explained(tab), [(1, 4, "rejected".to_owned())]);
        assert_eq!(world.stored(tab), [5]);
    }
}

#[test]
fn not_here_not_now_is_waited_out_and_said_so() {
    for code in [401, 403, 404, 405, 410] {
        let (mut world, tab) = World::with_tab(|_| {});
        // A key is being rotated, a deploy is under way: for a minute nobody is welcome.
        world.collector.rule = Some(match code {
            401 => |_| Answer::Status(401),
            403 => |_| Answer::Status(403),
            404 => |_| Answer::Status(404),
            405 => |_| Answer::Status(405),
            _ => |_| Answer::Status(410),
        });
        world.burst(tab, 4);
        world.flush(tab);
        world.pass(60_000);
        assert!(world.drops(tab).is_empty(), "{code}");
        assert!(
            world
                .failures(tab)
                .iter()
                .any(|(status, _)| *status == code),
            "{code}"
        );
        let attempts = world.sent.len();
        assert!(attempts <= 16, "{code}: probed rarely, {attempts}");
        world.collector.rule = None;
        world.pass(11 * 60_000);
        assert_eq!(world.stored(tab), [1, 2, 3, 4], "{code}");
        assert!(!world.stats(tab).blocked, "{code}");
    }
}

#[test]
fn a_refused_key_is_never_blamed_on_an_event() {
    let (mut world, tab) = World::with_tab(|_| {});
    // Servers that disagree on the key while it is rotated: one event keeps meeting the wrong one.
    world.collector.rule = Some(|sent| {
        if sent.names().iter().any(|name| name == "unlucky") {
            Answer::Status(401)
        } else {
            Answer::Ok
        }
    });
    let mut records = vec![world.record("lucky", "{}"); 40];
    records[20] = world.record("unlucky", "{}");
    world.calls(tab, &records.join("\n"));
    world.flush(tab);
    for _ in 0..120 {
        world.pass(1_000);
        world.track(tab, "lucky");
    }
    assert!(world.stored(tab).len() > 150, "it takes no other along");
    world.collector.rule = None;
    world.pass(11 * 60_000);
    assert!(world.drops(tab).is_empty());
    assert_eq!(world.stored(tab).len(), 160);
}

#[test]
fn one_event_that_nobody_wants_takes_no_other_along() {
    let poisoned = |sent: &Sent| sent.names().iter().any(|name| name == "poison");
    for (how, answer) in [
        ("refused", Answer::Status(403)),
        ("cut off", Answer::Network),
    ] {
        let (mut world, tab) = World::with_tab(|_| {});
        world.collector.rule = Some(match answer {
            Answer::Network => |sent| {
                if sent.names().iter().any(|name| name == "poison") {
                    Answer::Network
                } else {
                    Answer::Ok
                }
            },
            _ => |sent| {
                if sent.names().iter().any(|name| name == "poison") {
                    Answer::Status(403)
                } else {
                    Answer::Ok
                }
            },
        });
        let mut records = vec![world.record("fine", "{}"); 40];
        records[20] = world.record("poison", "{}");
        world.calls(tab, &records.join("\n"));
        world.flush(tab);
        for _ in 0..60 {
            world.pass(1_000);
            world.track(tab, "later");
        }
        world.pass(60_000);
        let stored = world.stored(tab);
        let missing: Vec<u64> = (1..=100).filter(|seq| !stored.contains(seq)).collect();
        assert_eq!(missing, [21], "{how}");
        assert_eq!(world.drops(tab), [(DropReason::SetAside, 1)], "{how}");
        assert_eq!(
            world.explained(tab),
            [(21, 21, "set_aside".to_owned())],
            "{how}"
        );
        assert!(world.sent.iter().any(poisoned));
    }
}

#[test]
fn events_refused_one_by_one_in_a_2xx_are_not_counted_as_delivered() {
    let (mut world, tab) = World::with_tab(|_| {});
    world
        .collector
        .script
        .push_back(Answer::Refusing(vec![0, 2]));
    world.burst(tab, 5);
    world.flush(tab);
    assert_eq!(world.stats(tab).delivered, 3);
    assert_eq!(world.drops(tab), [(DropReason::Rejected, 2)]);
    assert_eq!(world.failures(tab), [(200, 2)]);
    assert_eq!(world.stats(tab).pending, 0);
}

#[test]
fn one_request_at_a_time_keeps_a_tabs_events_in_order() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.collector.script.push_back(Answer::Hang);
    world.burst(tab, 120);
    assert_eq!(world.sent.len(), 1, "the second waits for the first");
    world.answer(tab, &Answer::Network);
    world.pass(5_000);
    let order: Vec<u64> = world.sent.iter().skip(1).flat_map(Sent::seqs).collect();
    assert_eq!(order, (1..=120).collect::<Vec<_>>());
}

#[test]
fn shutdown_delivers_then_everything_is_quiet() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.burst(tab, 60);
    let id = world.shutdown(tab, 5_000);
    assert_eq!(
        world.flushed(tab, id),
        [(10, 0, 0)],
        "fifty had left before it was asked"
    );
    let sent = world.sent.len();
    world.track(tab, "too late");
    world.pass(60_000);
    assert_eq!(world.sent.len(), sent);
    assert_eq!(world.stored(tab).len(), 60);
}

#[test]
fn destroy_sends_nothing_and_leaves_the_journal_to_the_next_visit() {
    let (mut world, tab) = World::with_tab(|_| {});
    world.burst(tab, 3);
    world.destroy(tab);
    world.pass(60_000);
    assert!(world.sent.is_empty());
    world.open();
    world.pass(10_000);
    assert_eq!(world.stored(tab), [1, 2, 3]);
}

#[test]
fn without_an_api_key_nothing_happens_at_all() {
    let (mut world, tab) = World::with_tab(|opening| opening.config.api_key.clear());
    world.track(tab, "nowhere");
    let flush = world.flush(tab);
    world.page(tab, PageEvent::Leaving);
    world.pass(60_000);
    assert!(world.sent.is_empty() && world.disk.all_keys().is_empty());
    assert_eq!(world.flushed(tab, flush), [(0, 0, 0)]);
}

#[test]
fn what_comes_fast_goes_in_few_requests_unless_somebody_waits_or_it_fills_one() {
    let times = |world: &World| world.sent.iter().map(|sent| sent.at).collect::<Vec<_>>();
    let (mut world, tab) = World::with_tab(|opening| opening.config.max_batch_size = 500);
    let start = world.now;
    for _ in 0..5 {
        world.burst(tab, 50);
        world.pass(25);
    }
    world.pass(1_000);
    assert_eq!(times(&world), [start, start + 250]);
    assert_eq!(world.stats(tab).delivered, 250);

    // Whoever asks is not kept waiting, and what fills a request is not kept at all.
    world.burst(tab, 50);
    world.burst(tab, 50);
    world.flush(tab);
    let asked = world.now;
    assert_eq!(times(&world)[2..], [asked, asked]);
    world.burst(tab, 500);
    assert_eq!(times(&world)[4..], [asked]);
    world.burst(tab, 50);
    world.page(tab, PageEvent::Hidden);
    assert_eq!(
        times(&world)[5..],
        [asked],
        "nor is a page that may be going"
    );
}
