// The control API of the sandbox.

async function post(path, body, headers = {}) {
  const response = await fetch(`/sandbox/${path}`, { method: "POST", body, headers });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? response.statusText);
  return answer;
}

export const order = (path, body) => post(path, JSON.stringify(body), { "Content-Type": "application/json" });
export const act = (person, doing, more = {}) => order("act", { as: person, do: doing, ...more });

export function upload(person, chat, files, { caption = "", replyTo = "", photo = false } = {}) {
  const form = new FormData();
  for (const file of files) form.append("file", file, file.name);
  const query = new URLSearchParams({ as: person, chat, caption, reply_to: replyTo, photo: photo ? "1" : "" });
  return post(`upload?${query}`, form);
}

export const fileUrl = (id) => `/sandbox/files/${id}`;

/** Follow the events; `heard(event)` gets the whole state first, and again after a break. */
export function follow(heard, connected) {
  const source = new EventSource("/sandbox/events");
  source.onmessage = (message) => heard(JSON.parse(message.data));
  source.onopen = () => connected(true);
  source.onerror = () => connected(false);
}
