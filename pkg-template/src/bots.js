// @ts-check
// The bot filter: a plugin that drops what robots do. Off unless `botFilter: true`, because every browser that a test
// drives is one by these signs. It says once that it is at work, and how to switch it off.

import { attempt } from "./builtins.js";

/** @typedef {import("./client").Client} Client */

// What the agents of crawlers, link previews, monitors and headless browsers have in common.
const AGENTS = new RegExp(
  "bot\\b|bot[/_-]|crawl|spider|slurp|headless|phantomjs|lighthouse|pagespeed|prerender|facebookexternalhit|whatsapp/|" +
    "embedly|preview|monitor|pingdom|uptime|scrapy|python-|curl/|wget/|selenium|puppeteer|playwright",
  "i",
);
const BRANDS = /headless/i;

const isBot = () => {
  const { userAgent, webdriver, userAgentData } = /** @type {any} */ (navigator);
  // Cubot makes telephones.
  if (webdriver === true || AGENTS.test(userAgent.replace(/cubot/i, ""))) return true;
  for (const { brand } of userAgentData?.brands ?? []) if (BRANDS.test(brand)) return true;
  return false;
};

/** @param {Client} client */
export const bots = ({ telling }) => {
  const found = attempt(isBot) === true;
  return {
    name: "bots",
    code: "bot",
    /** @param {object} event */
    beforeSend(event) {
      if (!found) return event;
      telling.say("bot", "this browser is automated: events are dropped; `botFilter: false` or unuse(\"bots\") keeps them");
      return null;
    },
  };
};
