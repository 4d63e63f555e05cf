// @ts-check
// Who the visitor is, answered at once: also before the engine is there, and then as the engine will decide with the
// same inputs, so that no answer changes its mind. The record is written by the engine alone (src/visitor/record.rs).

import { attempt, isObject, parse } from "./builtins.js";
import { uuid } from "./ids.js";

/** @typedef {import("./client").Client} Client */
/** @typedef {import("./types").Visitor} Known */

const USER_ID_MAX = 120;
// What programs say for "nobody": the engine refuses it (src/intake).
const NOBODY = /^(|null|undefined|\[object Object\]|NaN|true|false|anonymous|guest|0|\s+)$/i;
const SESSION_TIMEOUT_MS = 30 * 60_000;
const SESSION_MAX_MS = 24 * 3_600_000;

/** @typedef {{ rev: number, by: string, anonymousId: string, userId: string | null, session: any, consent: any }} VisitorRecord */

/**
 * The record as it is stored, of either version.
 * @param {string | undefined} text
 * @returns {VisitorRecord | undefined}
 */
const readRecord = (text) => {
  if (!text) return;
  const [version, anonymousId, user] = text.split("\n");
  const old = { rev: 0, by: "", session: null, consent: null };
  if (version === "1" && anonymousId && user != null) return { ...old, anonymousId, userId: attempt(() => parse(user)) ?? null };
  const record = attempt(() => parse(text));
  return isObject(record) && typeof (/** @type {any} */ (record).anonymousId) === "string" ? /** @type {any} */ (record) : undefined;
};

/** @param {VisitorRecord} a @param {VisitorRecord} b */
const isNewer = (a, b) => a.rev > b.rev || (a.rev === b.rev && a.by > b.by);

export class Visitor {
  /** Something was called since the engine was asked. */
  changed = true;
  /** @type {Known | undefined} what the engine said last */
  said;
  /** @type {Known | undefined} what can be said without it, and is proposed to it */
  first;
  /** @type {Known | undefined} the same since a reset, which it has yet to hear of after what was called before */
  next;
  /** @type {boolean} what is stored was read: not before the visitor agreed */
  read = false;

  /** @param {Client} client */
  constructor(client) {
    this.client = client;
  }

  /** What is stored, in this origin's storage or in the cookie of the site, whichever is newer. */
  stored() {
    const { client } = this;
    const { storage } = client.host;
    const own = readRecord(storage.get(client.key("identity")));
    const mirrored = client.flag("crossSubdomain") ? readRecord(storage.mirror()) : undefined;
    return own && mirrored ? (isNewer(mirrored, own) ? mirrored : own) : (own ?? mirrored);
  }

  /** @param {string} name @param {number} otherwise */
  limit(name, otherwise) {
    const value = +(this.client.options[name] ?? NaN);
    return value > 0 ? value : otherwise;
  }

  /** A session that an event of now would belong to. @param {any} session */
  isOpen(session) {
    const now = this.client.host.wall();
    return (
      isObject(session) &&
      now - /** @type {any} */ (session).lastAt < this.limit("sessionTimeoutMs", SESSION_TIMEOUT_MS) &&
      now - /** @type {any} */ (session).startedAt < this.limit("sessionMaxMs", SESSION_MAX_MS)
    );
  }

  /** What is stored, or else what is proposed to the engine. @returns {Known} */
  proposal() {
    const mayRead = this.client.consent.analytics === "granted" && !this.client.flag("cookieless");
    if (this.first && this.read === mayRead) return this.first;
    this.read = mayRead;
    const record = mayRead ? this.stored() : undefined;
    this.first = {
      anonymousId: record?.anonymousId || this.first?.anonymousId || `anon_${uuid()}`,
      userId: record?.userId ?? null,
      sessionId: this.isOpen(record?.session) ? record?.session.id : this.first?.sessionId || uuid(),
    };
    return this.first;
  }

  /**
   * A call that says who it is, before there is an engine: what that will make of it. What it is proposed with the call, as tags.
   * @param {{ kind: string, user?: unknown }} call
   */
  foresee({ kind, user }) {
    if (this.client.engine.number) return "";
    if (kind === "reset") return this.forget(null);
    if (typeof user !== "string" || user.length > USER_ID_MAX || NOBODY.test(user)) return "";
    const known = this.next ?? this.proposal();
    const policy = this.client.options.identityPolicy;
    const isOther = known.userId !== null && known.userId !== user;
    if (kind === "identify" && isOther && policy === '"reset"') return this.forget(user);
    if (kind === "alias" || (kind === "identify" && (!isOther || policy === '"allow"'))) known.userId = user;
    return "";
  }

  /** Another visitor. @param {string | null} userId */
  forget(userId) {
    this.proposal(); // what was called before bears that
    this.next = { anonymousId: `anon_${uuid()}`, userId, sessionId: uuid() };
    return `\tanon="${this.next.anonymousId}"\tsession="${this.next.sessionId}"`;
  }

  /** @returns {Known} */
  now() {
    const { engine, calls } = this.client;
    if (this.changed && engine.number) {
      calls.cross();
      const said = attempt(() => parse(engine.invoke("visitor")));
      // No event has begun a session yet: the first one will, as it was proposed.
      if (isObject(said)) this.said = { .../** @type {any} */ (said), sessionId: /** @type {any} */ (said).sessionId || this.proposal().sessionId };
      this.changed = false;
    }
    return this.said ?? this.next ?? this.proposal();
  }
}
