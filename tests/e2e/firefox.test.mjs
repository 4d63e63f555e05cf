// Goal: Firefox delivers what Chromium does, however a page ends, and keeps pages that use the SDK in its back/forward cache.
// Method: the real browser by its own WebDriver, the built package, the real collector; events are counted as rows, and every
// scenario ends with a return visit.
// Not covered: what WebDriver cannot do (a crash, being frozen), and `fetchLater`, which Firefox does not have.

import { describe } from 'node:test';

import { startFirefox } from './harness/webdriver.mjs';
import { bfcache } from './scenarios/bfcache.mjs';
import { drivenScenarios } from './scenarios/driven.mjs';
import { blockedStorage, deliverySet, lastTabs, privately } from './scenarios/set.mjs';

// A site has up to four processes, and a tab that is opened may get its own. With one, a page of the site that stays keeps
// the process alive, so that nothing is cut off when the other tab is closed; that has a test of its own.
const ONE_PROCESS = { 'dom.ipc.processCount.webIsolated': 1 };

describe('Firefox', () => {
  const scenario = drivenScenarios('Firefox', (t) => startFirefox(t, ONE_PROCESS));
  deliverySet(scenario, 'Firefox');
  bfcache(scenario);
});

describe('Firefox that ends the process with the tab', () => {
  lastTabs(drivenScenarios('Firefox', startFirefox));
});

describe('Firefox that refuses storage', () => {
  const refusing = { 'network.cookie.cookieBehavior': 2 };
  blockedStorage(drivenScenarios('Firefox', (t) => startFirefox(t, refusing)));
});

describe('Firefox, private', () => {
  const inPrivate = { ...ONE_PROCESS, 'browser.privatebrowsing.autostart': true };
  privately(drivenScenarios('Firefox', (t) => startFirefox(t, inPrivate)));
});
