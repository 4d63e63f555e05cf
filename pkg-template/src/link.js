// @ts-check
// The link to the engine: loading it, again where that fails, calling it, and what to do once it breaks.

import { attempt, describe, isObject, parse } from "./builtins.js";
import { configJson } from "./config.js";

/** @typedef {import("./client").Client} Client */
/** @typedef {import("./types").EngineModule} EngineModule */

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 300_000;
const ATTEMPTS_MAX = 50;

/** @type {Promise<EngineModule> | undefined} one instance for the page, from the source of whichever client asks first */
let loading;

/**
 * @param {import("./types").Host} host
 * @param {unknown} source
 * @param {number} attempts
 */
const load = async (host, source, attempts) => {
  try {
    return await (loading ??= host.load(source, attempts));
  } catch (cause) {
    loading = undefined;
    throw cause;
  }
};

export class EngineLink {
  /** This client's number there; 0 while it does not run. */
  number = 0;
  /** @type {EngineModule | undefined} */
  module;
  /** @type {import("./types").Platform | undefined} */
  platform;
  attempts = 0;
  trying = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer;

  /** @param {Client} client */
  constructor(client) {
    this.client = client;
  }

  /** What it runs as; `null` while it does not. */
  get kind() {
    return this.number ? (this.module?.kind ?? "wasm") : null;
  }

  /**
   * Asking for a module takes its time: in a task of its own, unless somebody waits for it (`Questions.ask`). A timer's or a
   * message's, whichever comes first: the timers of a hidden page are late, in tests they may stand still, and a page may
   * have put something in place of the channel.
   */
  loadSoon() {
    const first = () => {
      if (!this.attempts) this.load();
    };
    this.timer = setTimeout(first);
    attempt(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        first();
      };
      port2.postMessage(0);
    });
  }

  async load() {
    const { client } = this;
    if (this.trying || !client.wantsEngine() || this.attempts >= ATTEMPTS_MAX) return;
    clearTimeout(this.timer);
    this.trying = true;
    try {
      const module = await load(client.host, client.own.wasm, this.attempts++);
      if (client.wantsEngine()) this.open(module);
    } catch (cause) {
      if (client.wantsEngine()) this.failed(cause);
    }
    this.trying = false;
  }

  /** @param {unknown} cause */
  failed(cause) {
    const advice = this.client.host.adviceOnLoading(cause);
    this.client.fail("wasm_load_failed", `the engine did not start (${describe(cause)}); ${advice}`);
    const wait = Math.min(RETRY_FIRST_MS * 2 ** (this.attempts - 1), RETRY_MAX_MS);
    this.timer = setTimeout(() => this.load(), wait);
    this.client.host.unref?.(this.timer);
  }

  /** @param {EngineModule} module */
  open(module) {
    const { client } = this;
    this.module = module;
    client.host.watchStorage?.();
    this.platform = module.openPlatform(client);
    this.number = module.start(this.platform, configJson(client.engineOptions()), module.factsOf(client));
    if (!this.number) throw new Error("the engine refused to start");
    client.opened();
  }

  /**
   * Runs one of the engine's functions for this client. If it throws, the engine is broken for good.
   * @param {string} name
   * @param {any[]} values
   */
  invoke(name, ...values) {
    if (!this.number) return;
    try {
      return /** @type {any} */ (this.module)[name](this.number, ...values);
    } catch (cause) {
      this.number = 0;
      this.client.fail("wasm_trapped", `the engine broke in ${name} (${describe(cause)}); please report it`);
    }
  }

  /** The account as it stands there. @returns {any} */
  stats() {
    const json = this.invoke("stats");
    const stats = json && attempt(() => parse(json));
    return isObject(stats) ? stats : undefined;
  }
}
