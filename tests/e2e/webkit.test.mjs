// Goal: WebKit delivers what Chromium does, however a page ends, and keeps pages that use the SDK in its back/forward cache.
// Method: WebKitGTK's MiniBrowser by its own WebDriver, the built package, the real collector; events are counted as rows,
// and every scenario ends with a return visit. An automated window of it is always private: nothing is kept on disk.
// Not covered: what WebDriver cannot do (a crash, being frozen), and `fetchLater`, which WebKit does not have.

import { describe } from 'node:test';

import { startWebKit } from './harness/webdriver.mjs';
import { bfcache } from './scenarios/bfcache.mjs';
import { drivenScenarios } from './scenarios/driven.mjs';
import { blockedStorage, deliverySet } from './scenarios/set.mjs';

describe('WebKit', () => {
  const scenario = drivenScenarios('WebKit', startWebKit);
  deliverySet(scenario, 'WebKitGTK');
  bfcache(scenario);
});

describe('WebKit that refuses storage', () => {
  blockedStorage(drivenScenarios('WebKit', (t) => startWebKit(t, ['--enable-html5-local-storage=false'])));
});
