// @ts-check
// A client component, and whatever imports it may be a server one (React Server Components).
"use client";
// `sendoff/react`: a provider, and hooks for whatever is below it. Nothing is made while rendering: a client reads clocks and
// randomness, which a server's render must not, and StrictMode renders twice. The first effect or event that needs the
// client makes it (effects of children run before the provider's own); unmounting lets go of it.

import { createContext, createElement, useContext, useEffect, useState } from "react";

// @ts-ignore: beside this file in the package
import { Sendoff, getSendoff } from "./index.js";

class Holder {
  /** @type {any} */
  client;

  /** @param {any} config */
  constructor(config) {
    this.config = config;
    /** Forwards each call: it may be held, and taken apart, before there is a client. */
    this.members = new Proxy({}, { get: (_, name) => (/** @type {any[]} */ ...values) => this.get()?.[name]?.(...values) });
    this.track = (/** @type {any[]} */ ...values) => this.get()?.track(...values);
  }

  get() {
    if (this.config === undefined) return getSendoff();
    return (this.client ??= new Sendoff(this.config));
  }

  hold() {
    this.isHeld = true;
    this.get();
  }

  /** StrictMode unmounts and mounts again in one task: that keeps the client. */
  release() {
    this.isHeld = false;
    queueMicrotask(() => this.isHeld || this.drop());
  }

  drop() {
    // What is waiting is in storage, for the client of the next mount.
    this.client?.destroy();
    this.client = undefined;
  }
}

/** Without a provider: whichever client the page has. */
const Context = createContext(new Holder(undefined));

/** @param {{ config: any, children?: any }} props */
export const SendoffProvider = ({ config, children }) => {
  const [holder] = useState(() => new Holder(config));
  useEffect(() => {
    holder.hold();
    return () => holder.release();
  }, [holder]);
  return createElement(Context.Provider, { value: holder }, children);
};

/** The client's members; `ready` is asked for with `getSendoff()`. */
export const useSendoff = () => useContext(Context).members;

/** A `track` that stays the same from render to render. */
export const useTrack = () => useContext(Context).track;
