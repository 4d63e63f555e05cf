// Goal: a page that may not run WebAssembly loses and doubles as little as any other: the same scenarios as delivery.test.mjs.
// Method: a Content-Security-Policy that forbids WebAssembly, so that the client takes the engine as JavaScript.
// Not covered: browsers without WebAssembly (tests/web/first-use.test.mjs).

import { delivery } from './scenarios/delivery.mjs';

delivery('delivery-js', 'js');
