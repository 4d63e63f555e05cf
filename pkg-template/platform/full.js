// @ts-check
// The platform object that the engine works on (src/web/platform.rs names its methods), made of the host that the facade
// already has and of what only the engine needs. It is downloaded with the engine. No method throws.

import { attempt, soon } from "../src/builtins.js";
import { CustomDestinations } from "./custom.js";
import { Channel } from "./page/channel.js";
import { Timer } from "./page/timer.js";
import { Transport } from "./page/transport.js";

/** @typedef {import("../src/client").Client} Client */

export class Platform {
  /** @param {Client} client */
  constructor(client) {
    this.client = client;
    const { engine, host } = client;
    /** @type {import("./page/transport").Answered} */
    const answered = (id, what, status = 0, retryAfterMs = NaN, body) => this.tell("answered", id, what, status, retryAfterMs, body);
    this.transport = new Transport(answered, client.own.fetchImpl);
    this.custom = new CustomDestinations(answered);
    this.channel = new Channel(`sendoff:${client.project}`, (text) => this.tell("peer", text));
    this.timer = new Timer(
      () => engine.invoke("wake"),
      (timer) => host.unref?.(timer),
    );
  }

  /**
   * Into the engine; later, if it is just being started and has no number yet.
   * @param {string} name
   * @param {any[]} values
   */
  tell(name, ...values) {
    const { engine } = this.client;
    if (engine.number) engine.invoke(name, ...values);
    else soon(() => engine.invoke(name, ...values));
  }

  /** @param {string} key */
  get(key) {
    return this.client.host.storage.get(key);
  }

  /** @param {string} key @param {string} value */
  set(key, value) {
    return this.client.host.storage.set(key, value);
  }

  /** @param {string} key */
  remove(key) {
    this.client.host.storage.remove(key);
  }

  /** @param {string} prefix */
  keys(prefix) {
    return this.client.host.storage.keys(prefix);
  }

  mirror() {
    return this.client.host.storage.mirror();
  }

  /** @param {string} text */
  set_mirror(text) {
    this.client.host.storage.setMirror(text);
  }

  mono() {
    return this.client.host.mono();
  }

  wall() {
    return this.client.host.wall();
  }

  /**
   * @param {number} id
   * @param {string} means
   * @param {string} url
   * @param {string} type
   * @param {string} body
   * @param {string} authorization
   * @param {string} gzip
   */
  send(id, means, url, type, body, authorization, gzip) {
    if (url.startsWith("custom:")) this.custom.send(id, means, url.slice("custom:".length), body);
    else this.transport.send(id, means, url, type, body, authorization, gzip);
  }

  /** @param {number} id */
  cancel(id) {
    this.custom.cancel(id);
    this.transport.cancel(id);
  }

  open_channel() {
    if (this.client.consent.analytics === "granted") this.channel.open();
  }

  /** @param {string} text */
  post(text) {
    this.channel.post(text);
  }

  close_channel() {
    this.channel.close();
  }

  /** @param {number} ms */
  wake_in(ms) {
    this.timer.set(ms);
  }

  rest() {
    this.timer.rest();
  }

  /** @param {string} json */
  report(json) {
    attempt(() => this.client.report(json));
  }
}
