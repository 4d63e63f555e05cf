// Goal: nothing is lost and nothing doubled, whatever the tab, the network or the browser does.
// Method: a real Chromium per scenario (own profile, real visibility, throttling and back/forward
// cache), the built package, the real collector; events are counted as rows in its database, and
// every scenario ends with a return visit, so that what is sent a second time is seen as well.
// Not covered: Firefox and WebKit (firefox.test.mjs, webkit.test.mjs); being hidden for hours and being discarded
// (the simulation has both); power cuts, where the browser itself loses what it had not yet written.

import { delivery } from './scenarios/delivery.mjs';

delivery('delivery', 'wasm');
