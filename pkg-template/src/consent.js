// @ts-check
// What the visitor allows, as far as it has to be known before the first write, and before there is an engine. That runs
// only where analytics are granted: undecided, calls wait in memory and nothing touches the device; denied, nothing is kept
// either. A denial while it runs is its own affair: it removes everything, in all tabs.

import { attempt, isObject, member, parse, soon } from "./builtins.js";

/** @typedef {import("./client").Client} Client */
/** @typedef {import("./types").ConsentWord} ConsentWord */

/** @param {unknown} given @param {ConsentWord} otherwise @returns {ConsentWord} */
const word = (given, otherwise) => {
  if (given === true || given === "granted") return "granted";
  if (given === false || given === "denied") return "denied";
  return given === "pending" ? given : otherwise;
};

export class Consent {
  /** @type {ConsentWord} */
  analytics;
  /** @type {ConsentWord} */
  marketing;

  /** @param {Client} client */
  constructor(client) {
    this.client = client;
    const { options, own, host } = client;
    this.analytics = this.marketing = word(own.consent, "granted");
    // What the visitor said on an earlier visit goes before the page's default, where the page has it kept.
    const text = client.flag("persistConsent") ? host.storage.raw(client.key("consent")) : undefined;
    const kept = text ? attempt(() => parse(text)) : undefined;
    if (isObject(kept)) {
      this.analytics = word(/** @type {any} */ (kept).analytics, this.analytics);
      this.marketing = word(/** @type {any} */ (kept).marketing, this.marketing);
    }
    const { gpc, dnt } = host.signals();
    const heeded = gpc && options.respectGpc !== "false";
    if (heeded || this.analytics === "denied") this.marketing = "denied";
    if ((heeded && own.gpc === "deny") || (dnt && client.flag("respectDnt"))) this.analytics = this.marketing = "denied";
  }

  get now() {
    return { analytics: this.analytics, marketing: this.marketing };
  }

  /** As a record for the engine. @param {string} [more] */
  record(more = "") {
    const { host } = this.client;
    return `consent\t${host.wall()}\t${this.client.mono()}\tanalytics=${this.analytics}\tmarketing=${this.marketing}${more}`;
  }

  /**
   * @param {any} choice
   * @param {any} [options]
   */
  set(choice, options) {
    const { client } = this;
    if (!isObject(choice)) return client.telling.error("consent_invalid", "setConsent() takes { analytics, marketing }");
    client.calls.cross(); // what was called before the decision goes by the one before
    const before = this.analytics;
    this.analytics = word(attempt(() => member(choice, "analytics")), this.analytics);
    this.marketing = word(attempt(() => member(choice, "marketing")), this.marketing);
    let more = "";
    for (const name of ["erase", "notify"]) {
      if (isObject(options) && attempt(() => member(options, name)) === true) more += `\t${name}=1`;
    }
    if (client.engine.number && this.analytics !== "pending") this.tell(before, more);
    else this.apply();
    this.keep();
  }

  /** The engine decides what it means, and reports it. @param {ConsentWord} before @param {string} more */
  tell(before, more) {
    const { client } = this;
    const { analytics } = this;
    this.analytics = before; // it may still remove what it must
    client.calls.push(this.record(more).replace(`analytics=${before}`, `analytics=${analytics}`));
    client.calls.cross();
    this.analytics = analytics;
    client.visitor.changed = true;
  }

  /** There is no engine, or there is to be none. */
  apply() {
    const { client } = this;
    client.telling.report({ type: "consent", ...this.now });
    if (client.over) return;
    if (this.analytics === "denied") client.denied();
    else if (this.analytics === "pending") client.undecided();
    else client.allowed();
    soon(() => client.calls.settle());
  }

  /** The engine has heard of a decision: of this tab, or of another. @param {ConsentWord} analytics @param {ConsentWord} marketing */
  heard(analytics, marketing) {
    this.analytics = word(analytics, this.analytics);
    this.marketing = word(marketing, this.marketing);
    this.client.visitor.changed = true;
    this.keep();
  }

  /** The decision is the one thing that outlives a denial, where the page wants that. */
  keep() {
    const { client } = this;
    if (client.flag("persistConsent") && this.analytics !== "pending") {
      client.host.storage.force(client.key("consent"), `{"analytics":"${this.analytics}","marketing":"${this.marketing}"}`);
    }
  }
}
