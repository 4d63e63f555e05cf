// Goal: with the SDK running and having tracked, WebKitGTK still keeps the page in its back/forward
// cache, and every event arrives once.
// Method: the real browser by its own WebDriver, the built package, the real collector; one tab and two.
// Not covered: the other endings of a page (delivery.test.mjs, on Chromium).

import { startWebKit } from './harness/webdriver.mjs';
import { bfcache } from './scenarios/bfcache.mjs';

bfcache('WebKitGTK', startWebKit);
