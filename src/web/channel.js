// The JavaScript half of channel.rs. Nothing here throws into wasm.

const attempt = (run) => {
  try {
    return run();
  } catch {}
};

// It is missing in old browsers and throws where storage is partitioned away.
const socketOf = (project) => new BroadcastChannel("sendoff:" + project);

/** Whether a channel can be had; only opening one tells. */
export const isAvailable = (project) =>
  !!attempt(() => {
    socketOf(project).close();
    return true;
  });

/** Joins a channel, if there is one. */
export const open = (project, hear) =>
  attempt(() => {
    const socket = socketOf(project);
    // Anything but a string is not from us.
    socket.hear = ({ data }) => {
      if (typeof data === "string") hear(0, 0, data);
    };
    socket.addEventListener("message", socket.hear);
    return socket;
  });

/** It throws only once closed, and then nobody is to hear it. */
export const post = (socket, text) => attempt(() => socket.postMessage(text));

export const close = (socket) =>
  attempt(() => {
    socket.removeEventListener("message", socket.hear);
    socket.close();
  });
