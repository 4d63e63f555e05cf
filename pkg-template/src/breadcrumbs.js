// @ts-check
// The last names tracked, for error reporters. Off unless `breadcrumbs` says how many.

/** @typedef {import("./client").Client} Client */

const CRUMBS = 50;
const CRUMBS_MAX = 1_000;

export class Breadcrumbs {
  /** @type {{ name: string, timestamp: number }[]} */
  list = [];

  /** @param {Client} client */
  constructor(client) {
    this.client = client;
    const { breadcrumbs } = client.own;
    const wanted = breadcrumbs === true ? CRUMBS : typeof breadcrumbs === "number" ? breadcrumbs : 0;
    this.max = Math.min(wanted, CRUMBS_MAX);
  }

  /** @param {string} name */
  add(name) {
    if (!(this.max > 0)) return;
    const crumb = { name, timestamp: this.client.host.wall() };
    if (this.list.push(crumb) > this.max) this.list.shift();
    this.client.telling.report({ type: "breadcrumb", ...crumb });
  }
}
