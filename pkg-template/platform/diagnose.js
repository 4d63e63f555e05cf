// @ts-check
/** @param {import("../src/client").Client} client */
export const diagnose = async (client) => [{ check: "key", ok: true, message: client.project }];
