// @ts-check
// Talk between the tabs of one project: a `BroadcastChannel` that carries strings.
//
// Firefox does not put a page into its back/forward cache while a channel with a listener is open (measured, Firefox
// 153; closing it in `pagehide` is early enough), so closing also removes the listener.

import { attempt } from "../../src/builtins.js";

export class Channel {
  /** @type {BroadcastChannel | undefined} */
  socket;

  /** @param {string} name @param {(text: string) => void} hear */
  constructor(name, hear) {
    this.name = name;
    this.hear = hear;
  }

  /** Joins it, if there is one and it is not joined. */
  open() {
    attempt(() => {
      const socket = (this.socket ??= new BroadcastChannel(this.name));
      // Anything but a string is not from us.
      socket.onmessage = ({ data }) => {
        if (typeof data === "string") this.hear(data);
      };
    });
  }

  /** @param {string} text */
  post(text) {
    attempt(() => this.socket?.postMessage(text));
  }

  close() {
    attempt(() => {
      const { socket } = this;
      this.socket = undefined;
      if (!socket) return;
      socket.onmessage = null;
      socket.close();
    });
  }
}
