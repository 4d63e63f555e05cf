// nginx with the recipe's `location`, in front of a folder.

import { writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";

import * as paths from "../e2e/harness/paths.mjs";
import { end, freePort, start } from "../e2e/harness/processes.mjs";
import { until } from "../e2e/harness/wait.mjs";
import { recipe } from "./recipes.mjs";

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((part) => `${part}_temp_path ${part};`).join(" ");

/** Starts it in an app's folder; its address. */
export async function nginx(t, dir, www, collectorUrl) {
  const port = await freePort();
  const { "nginx.conf": location } = recipe("A path of your own", collectorUrl);
  const types = "types { text/html html; text/javascript js; application/wasm wasm; }";
  const server = `server { listen 127.0.0.1:${port}; root ${join(dir, www)}; ${location} }`;
  await writeFile(join(dir, "whole.conf"), `daemon off; user ${userInfo().username}; pid nginx.pid; events {} http { access_log off; ${TEMPORARY} ${types} ${server} }`);
  const process = start(paths.nginx(), ["-p", dir, "-c", join(dir, "whole.conf"), "-e", "stderr"]);
  t.after(() => end(process, "SIGTERM"));
  const url = `http://127.0.0.1:${port}`;
  await until(`nginx (${paths.nginx()})`, () => fetch(url).then(() => true, () => false));
  return url;
}
