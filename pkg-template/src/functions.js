// @ts-check
// What works without a client in hand, over all clients of the page and all copies of this module.

import { callAny } from "./registry.js";

export { flushTracking, getSendoff, listDestinations, registerDestination, unregisterDestination } from "./registry.js";
// The names that code of this kind uses already.
export {
  listDestinations as listTrackingProviders,
  registerDestination as registerTrackingProvider,
  unregisterDestination as unregisterTrackingProvider,
} from "./registry.js";

/**
 * `track` of whichever client the page has, or will have.
 * @param {any} name
 * @param {any} [properties]
 * @param {any} [options]
 */
export const track = (name, properties, options) => void callAny("track", [name, properties, options]);

/** @param {any} userId @param {any} [traits] */
export const identify = (userId, traits) => void callAny("identify", [userId, traits]);
