// @ts-check
// One client of a page: the parts, and what happens to it. It works before the engine is there; it lets the calls of one
// task cross together; and it keeps calls for the next visit where the engine cannot run. What becomes of an event is
// decided in the engine, not here. What the page holds in its hands is in members.js.

import { attempt, bare, deferred, isObject, nothing, parse, soon } from "./builtins.js";
import { Breadcrumbs } from "./breadcrumbs.js";
import { Calls } from "./calls.js";
import { Consent } from "./consent.js";
import { EarlyLog } from "./early-log.js";
import { EngineLink } from "./link.js";
import { Hooks } from "./hooks.js";
import { hex } from "./ids.js";
import { Names } from "./names.js";
import { Questions } from "./questions.js";
import { registry } from "./registry.js";
import { emptyAccount } from "./stats.js";
import { Visitor } from "./visitor.js";

/** @typedef {import("./types").Entry} Entry */
/** @typedef {import("./types").Settings} Settings */
/** @typedef {import("./types").EngineOptions} EngineOptions */
/** @typedef {import("./types").ReadyResult} ReadyResult */
/** @typedef {import("./telling").Telling} Telling */

const DETAIL_UNITS_MAX = 200;
const FLUSH_WAIT_MS = 30_000; // for a flush asked before the engine is there

export class Client {
  /** @type {"loading" | "ready" | "failed" | "pending" | "denied" | "stopped"} */
  state = "loading";
  over = false; // that is settled
  /** @type {any} what the engine's account was at the end */
  last;
  /** @type {Record<string, number>} calls that the engine never hears of, by code */
  refused = nothing();
  tab = hex(10);
  /** How many the page holds in its hands: two of one key are one client. */
  handles = 0;
  restarting = false;
  /** @type {(input: unknown) => object} another holder of the same key, maybe from another copy of this module */
  attach = () => ({});

  /**
   * @param {Entry} entry
   * @param {string} project the key, percent-encoded
   * @param {{ engine: EngineOptions, own: Settings }} config
   * @param {Telling} telling
   */
  constructor(entry, project, config, telling) {
    this.entry = entry;
    this.project = project;
    this.options = config.engine;
    this.own = config.own;
    this.telling = telling;
    telling.debug = this.own.debug === true;
    this.host = entry.open(this);
    this.consent = new Consent(this);
    this.calls = new Calls(this);
    this.log = new EarlyLog(this);
    this.visitor = new Visitor(this);
    this.names = new Names(this);
    this.hooks = new Hooks(this);
    this.crumbs = new Breadcrumbs(this);
    this.questions = new Questions(this);
    this.engine = new EngineLink(this);
    this.awaited = /** @type {ReturnType<typeof deferred<ReadyResult>>} */ (deferred());
    const stub = /** @type {any} */ (globalThis).sendoff;
    if (stub && attempt(() => encodeURIComponent(stub.config.apiKey)) === project && !stub.to) attempt(() => this.log.goOn(stub));
    this.host.listen((event) => this.heard(event));
    if (this.consent.analytics === "denied") this.denied();
    else if (this.consent.analytics === "pending") this.undecided();
    else this.engine.loadSoon();
  }

  /** What all keys of this project begin with. @param {string} name */
  key(name) {
    return `sendoff:${this.project}:${name}`;
  }

  /** Whether an option is on. @param {string} name */
  flag(name) {
    return this.options[name] === "true";
  }

  mono() {
    return Math.floor(this.host.mono());
  }

  // --- What is lost or refused before the engine hears of it.

  /** @param {string} code */
  count(code, calls = 1) {
    return (this.refused[code] = (this.refused[code] || 0) + calls);
  }

  /** Reports the first loss of a kind and counts them all. @param {string} code @param {number} calls @param {string} message */
  lose(code, calls, message) {
    if (this.count(code, calls) === calls) this.telling.error(code, message);
  }

  /** What need not be said twice. @param {string} code @param {string} message */
  tellOnce(code, message) {
    if (!this.telling.said[code]) this.telling.error(code, message);
  }

  /** @param {string} code @param {string} method @param {unknown} name @param {string} why */
  refuse(code, method, name, why) {
    const given = typeof name === "string" ? name.slice(0, 64) : "";
    // On one line, and without what JSON would escape: it is quoted as it stands.
    const detail = `${method}(${given}): ${why}`.replace(/[\s"\\\p{Cc}\p{Cs}]+/gu, " ").slice(0, DETAIL_UNITS_MAX);
    if (this.engine.number) return this.calls.add("refused", `\tcode=${code}\tdetail="${detail}"`);
    this.count(code);
    this.telling.error(code, `${detail}; not recorded, send plain JSON within the limits`);
  }

  // --- What the engine is given, and tells.

  /** The options as they are now in force. */
  engineOptions() {
    const custom = Object.keys(registry().destinations).map((name) => `{"name":"${name}","format":"custom"}`);
    const given = this.options.destinations?.slice(1, -1) ?? '{"name":"sendoff","format":"native"}';
    /** @type {EngineOptions} */
    const options = bare({ ...this.options });
    if (custom.length) options.destinations = `[${given ? [given, ...custom] : custom}]`;
    return options;
  }

  wantsEngine() {
    return !this.over && (this.state === "loading" || this.state === "failed") && !this.refused.wasm_trapped;
  }

  opened() {
    this.state = "ready";
    this.visitor.changed = true;
    // Before everything that was called: it says what may be captured with it.
    if (this.consent.marketing !== "granted") this.engine.invoke("calls", this.consent.record());
    this.calls.cross(); // the engine has journalled them when it returns
    this.questions.passOn();
    this.awaited.resolve({ ok: true, code: null });
  }

  /** From here on there is no engine, and calls are kept for one that comes. @param {string} code @param {string} message */
  fail(code, message) {
    const isFirst = this.state !== "failed";
    this.state = "failed";
    if (code === "wasm_trapped") {
      this.count(code, 0);
      this.log.begin();
    }
    if (isFirst) {
      this.telling.error(code, message);
      this.log.strand();
    }
    this.log.keep();
    this.giveUp(code);
  }

  /** Another holder has come: what failed before is tried again for him. */
  again() {
    if (this.state !== "failed") return;
    this.awaited = deferred();
    this.engine.load();
  }

  /** Nobody is to wait for an engine. @param {any} code */
  giveUp(code) {
    this.questions.giveUp();
    this.awaited.resolve({ ok: false, code });
  }

  /** What the engine reports. @param {string} json */
  report(json) {
    const report = attempt(() => parse(json));
    if (!isObject(report)) return;
    const it = /** @type {import("./types").Report} */ (report);
    if (it.type === "visitor") this.visitor.changed = true;
    else if (it.type === "flushed") soon(() => this.questions.answer(it.id, it.delivered, it.pending, it.dropped));
    else {
      if (it.type === "dropped") soon(() => this.engine.module?.adviseOnDrop(this.telling, it));
      if (it.type === "consent") this.consent.heard(it.analytics, it.marketing);
      if (it.type === "deliveryFailed") soon(() => this.engine.module?.explain(this));
      this.telling.report(it);
    }
  }

  // --- What goes on around it.

  /** What the page lives through. @param {string} event */
  heard(event) {
    // Before the engine hears of it: where a frame is torn down no microtask runs any more.
    if (event !== "online" && event !== "offline") this.calls.settle();
    if ((event === "online" || event === "visible") && this.state === "failed") this.engine.load();
    if (event === "hidden" || event === "leaving" || event === "frozen") this.engine.platform?.transport.hurry();
    // First what the browser has sent in our absence, or it would be sent again.
    if (event === "restored" || event === "resumed") this.engine.platform?.transport.tellActivated();
    // Another tab's write is told while a call into the engine may be on the way: it waits its turn there.
    if (event === "stored") this.engine.invoke("stored");
    else this.engine.invoke("page_event", event);
  }

  /** The visitor does not want it: nothing is kept, and there is nothing to do. */
  denied() {
    this.forget();
    this.state = "denied";
    this.giveUp("consent_denied");
  }

  /** Removes all that is kept of the visitor, where there is no engine that could. */
  forget() {
    const lost = this.calls.records.length;
    if (lost) this.count("consent", lost);
    this.calls.clear();
    this.calls.page = "";
    this.log.remove();
    this.visitor.first = this.visitor.next = undefined;
    this.host.forget(this.key(""));
  }

  /** Nobody knows yet: the engine, if there is one, lets go, and calls wait in memory. */
  undecided() {
    if (this.engine.number) this.letGo();
    this.state = "pending";
    this.giveUp("consent_pending");
  }

  allowed() {
    if (this.state === "denied" || this.state === "pending") this.state = "loading";
    this.visitor.changed = true;
    this.engine.load();
  }

  /** The page's own destinations are others now: the engine hears of them at its start, so it starts anew. */
  destinationsChanged() {
    if (!this.engine.number || this.restarting) return;
    this.restarting = true;
    soon(() => this.restart());
  }

  restart() {
    const { engine } = this;
    this.restarting = false;
    if (!engine.number || !engine.module) return;
    this.letGo();
    this.state = "loading";
    engine.open(engine.module);
  }

  /** The engine ends here; what it holds is in the journal, for the next, which needs a tab of its own. */
  letGo() {
    this.calls.cross();
    this.engine.invoke("destroy");
    this.engine.number = 0;
    this.tab = hex(10);
    this.calls.page = "";
  }

  /** What is wrong, if anything: for whoever sets it up. @returns {Promise<import("./types").Finding[]>} */
  async diagnose() {
    const { module } = this.engine;
    if (module) return module.diagnose(this);
    return [{ check: "wasm", ok: false, message: `the engine is ${this.state}` }];
  }

  // --- The account, and the end.

  /** @returns {any} */
  stats() {
    this.calls.cross();
    const all = this.engine.stats() ?? this.last ?? this.ownAccount();
    const refused = { ...all.refused };
    for (const [code, calls] of Object.entries(this.refused)) if (calls) refused[code] = (refused[code] || 0) + calls;
    const role = this.over ? "stopped" : all.role;
    return { ...all, role, refused, engine: this.engine.kind, signals: this.host.signals() };
  }

  /** The account where there is no engine. */
  ownAccount() {
    const { calls, log } = this;
    const { kind } = this.host.storage;
    const pending = calls.records.length;
    const kept = kind === "memory" ? 0 : log.kept;
    return {
      ...emptyAccount(),
      ...{ accepted: pending, pending, volatile: pending - kept + log.withheld, storageBytes: kept && log.text.length },
      ...{ storage: kept ? kind : "memory", role: this.state, tab: this.tab },
    };
  }

  /** The next client of this key is a new one. */
  leaveRegistry() {
    const { clients } = registry();
    if (clients[this.project] === this) delete clients[this.project];
  }

  flush() {
    return this.questions.ask("flush", FLUSH_WAIT_MS);
  }

  /** @param {number} waitMs */
  async shutdown(waitMs) {
    this.leaveRegistry();
    const result = await this.questions.ask("shutdown", waitMs, waitMs);
    this.over = true;
    this.host.stop();
    return result;
  }

  destroy() {
    if (this.state === "stopped") return;
    this.leaveRegistry();
    this.calls.cross();
    this.last = this.engine.stats();
    this.over = true;
    this.engine.invoke("destroy");
    if (!this.engine.number) this.log.keep();
    this.engine.number = 0;
    this.state = "stopped";
    this.hooks.teardown();
    this.host.stop();
    this.giveUp("destroyed");
  }
}
