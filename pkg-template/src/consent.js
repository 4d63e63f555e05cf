// @ts-check
// What the visitor allows, as far as the facade has to know it: before its own first write, and before there is an
// engine. While it is undecided nothing touches the device; denied, nothing is kept either. The engine decides on events.

import { attempt, isObject, member, parse, soon } from "./builtins.js";

/** @typedef {import("./client").Client} Client */
/** @typedef {import("./types").ConsentWord} ConsentWord */

/** @param {string | undefined} json */
const jsonValue = (json) => (json ? attempt(() => parse(json)) : undefined);

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
    const { options, host } = client;
    this.analytics = word(jsonValue(options.consent), "granted");
    // What the visitor said on an earlier visit goes before the page's default, where the page has it kept.
    const kept = client.flag("persistConsent") ? jsonValue(host.storage.raw(client.key("identity"))) : undefined;
    if (isObject(kept)) this.analytics = word(/** @type {any} */ (kept).consent?.analytics, this.analytics);
    const { gpc, dnt } = host.signals();
    const objects = (gpc && options.respectGpc !== "false" && options.gpc === '"deny"') || (dnt && client.flag("respectDnt"));
    if (objects) this.analytics = "denied";
    this.marketing = isObject(kept) ? word(/** @type {any} */ (kept).consent?.marketing, this.analytics) : this.analytics;
    if (gpc && options.respectGpc !== "false") this.marketing = "denied";
  }

  get now() {
    return { analytics: this.analytics, marketing: this.marketing };
  }

  /**
   * @param {any} choice
   * @param {any} [options]
   */
  set(choice, options) {
    const { client } = this;
    if (!isObject(choice)) return client.telling.error("consent_invalid", "setConsent() takes { analytics, marketing }");
    const analytics = word(attempt(() => member(choice, "analytics")), this.analytics);
    const marketing = word(attempt(() => member(choice, "marketing")), this.marketing);
    let tags = `\tanalytics=${analytics}\tmarketing=${marketing}`;
    for (const name of ["erase", "notify"]) {
      if (isObject(options) && attempt(() => member(options, name)) === true) tags += `\t${name}=1`;
    }
    const { number } = client.engine;
    client.calls.cross(); // what was called before the decision goes by the one before
    if (!number) this.apply(analytics, marketing);
    if (number || tags.includes("notify=1")) client.calls.push(`consent\t${client.host.wall()}\t${client.mono()}${tags}`);
    if (number) {
      this.analytics = analytics;
      this.marketing = marketing;
      client.calls.cross();
    }
  }

  /** The engine has heard of a decision: of this tab, or of another. @param {ConsentWord} analytics @param {ConsentWord} marketing */
  heard(analytics, marketing) {
    this.analytics = word(analytics, this.analytics);
    this.marketing = word(marketing, this.marketing);
    this.client.visitor.changed = true;
  }

  /** There is no engine that could. @param {ConsentWord} analytics @param {ConsentWord} marketing */
  apply(analytics, marketing) {
    const { client } = this;
    this.analytics = analytics;
    this.marketing = marketing;
    client.telling.report({ type: "consent", analytics, marketing });
    if (client.over) return;
    if (analytics === "denied") client.denied();
    else client.allowed();
    soon(() => client.calls.settle());
  }
}
