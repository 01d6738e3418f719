// The conversation: what the visitor types, says and shows goes to the server, what it answers is shown and played.
import { Microphone, Player, RATE } from "./sound.js";
import { Camera } from "./camera.js";
import { Call } from "./call.js";

const TAP_MS = 350; // a shorter press of the talk button is a tap: talking goes on until the next one
const LARGEST = 20 * 1024 * 1024;
const AGAIN_MS = 1500;

class Talk extends HTMLElement {
  connectedCallback() {
    if (this.wired) return;
    this.wired = true;
    this.piece = (name) => this.querySelector(`[data-part="${name}"]`);
    this.files = []; // {id, name, url, kind}
    this.player = new Player((playing) => this.playing(playing));
    this.microphone = new Microphone();
    this.call = new Call(this);
    this.camera = new Camera(this.piece("camera-view"), (file) => this.attach(file), (text) => this.problem(text));
    this.wire();
    this.connect();
  }

  wire() {
    const on = (name, event, done) => this.piece(name).addEventListener(event, done);
    on("form", "submit", (event) => { event.preventDefault(); this.submit(); });
    on("text", "keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.submit(); }
    });
    on("text", "paste", (event) => [...event.clipboardData.files].forEach((file) => this.attach(file)));
    on("attach", "click", () => this.piece("file").click());
    on("file", "change", (event) => { [...event.target.files].forEach((file) => this.attach(file)); event.target.value = ""; });
    on("camera", "click", () => this.camera.open());
    on("stop", "click", () => this.stop());
    on("call", "click", () => (this.call.on ? this.call.end() : this.call.begin()));
    on("anew", "click", () => this.anew());
    on("why", "toggle", () => this.piece("why").open && this.send({ event: "why" }));
    this.querySelectorAll("[data-example]").forEach((button) =>
      button.addEventListener("click", () => this.message(button.textContent.trim())));
    this.wireTalk(this.piece("talk"));
    this.addEventListener("keydown", (event) => event.key === "Escape" && this.stop());
  }

  wireTalk(button) { // held, or tapped to begin and tapped to send; by mouse, finger or keyboard
    const down = (event) => {
      if (event.type === "keydown" && (![" ", "Enter"].includes(event.key) || event.repeat)) return;
      if (event.button) return;
      event.preventDefault();
      if (this.talking) { this.tapped = false; this.release(); return; }
      this.held = performance.now();
      this.press();
    };
    const up = (event) => {
      if (event.type === "keyup" && ![" ", "Enter"].includes(event.key)) return;
      if (!this.talking || this.held === null) return;
      const tap = performance.now() - this.held < TAP_MS;
      this.held = null;
      if (!tap) this.release();
    };
    button.addEventListener("pointerdown", (event) => { button.setPointerCapture(event.pointerId); down(event); });
    button.addEventListener("keydown", down);
    for (const event of ["pointerup", "keyup"]) button.addEventListener(event, up);
    button.addEventListener("pointercancel", () => this.cancel());
    button.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  // --- the connection

  connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.base = `${scheme}://${location.host}/page`;
    this.socket = new WebSocket(`${this.base}/talk`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.send({ event: "hello", token: sessionStorage.callsight ?? "" });
    this.socket.onmessage = ({ data }) => (typeof data === "string" ? this.told(JSON.parse(data)) : this.heard(data));
    this.socket.onclose = () => {
      if (!this.isConnected || this.left) return;
      this.cancel();
      this.state("The connection is lost. Trying again ...");
      setTimeout(() => this.connect(), AGAIN_MS);
    };
  }

  send(fields) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(fields));
    return this.socket.readyState === WebSocket.OPEN;
  }

  told(message) {
    this[`on_${message.event}`]?.(message);
    this.dispatchEvent(new CustomEvent("told", { detail: message }));
  }

  on_welcome({ token, lines }) {
    sessionStorage.callsight = token;
    this.token = token;
    this.piece("lines").replaceChildren();
    lines.forEach(({ who, text, name }) => this.line(who, text, name));
    this.state("");
    this.dataset.ready = "yes";
  }

  on_place({ ahead }) { this.state(ahead ? `You are number ${ahead} in the queue.` : "Working on it ..."); }
  on_heard({ text }) { this.line("customer", text ? `“${text}”` : "(nothing was heard)"); }
  on_reply({ text }) { this.player.begin(); this.state(""); if (text) this.line("agent", text); performance.mark("callsight:reply"); }
  on_person({ name, text }) { this.line("person", text, name); }
  on_note({ text }) { this.line("note", text); }
  on_ready() { this.state(""); }
  on_problem({ text }) { this.problem(text); }
  on_speech({ rate }) { this.rate = rate; }
  on_why({ html }) { this.piece("reasons").innerHTML = html; }
  on_call(message) { this.call.told(message); }
  on_begun() {
    this.piece("lines").replaceChildren();
    this.piece("panel").innerHTML = this.empty ?? "";
    this.files = [];
    this.drawFiles();
  }

  on_panel({ html }) { // made by the server's templates, which escape whatever a visitor wrote
    this.empty ??= this.piece("panel").innerHTML;
    this.piece("panel").innerHTML = html;
    this.piece("why").open = false;
    this.piece("reasons").replaceChildren();
  }

  heard(pcm) {
    if (!this.talking) this.player.add(pcm, this.rate);
  }

  // --- what the visitor does

  submit() {
    const text = this.piece("text").value;
    if (!text.trim() && !this.files.length) return;
    if (this.message(text)) this.piece("text").value = "";
  }

  message(text) {
    this.player.wake();
    this.problem("");
    const files = this.files.map((file) => file.id);
    if (!this.send({ event: "message", text, files, heard: this.player.stop() })) {
      this.problem("There is no connection right now. Your message was not sent.");
      return false;
    }
    this.shown(text);
    return true;
  }

  shown(text) {
    for (const file of this.files) this.line("customer", file.kind === "photo" ? "" : `[${file.name}]`, "", file);
    if (text.trim()) this.line("customer", text.trim());
    this.files = [];
    this.drawFiles();
    this.state("Working on it ...");
  }

  async press() {
    if (this.call.on) { this.problem("You are in a call: just speak."); return; }
    this.talking = true;
    this.problem("");
    this.player.wake();
    this.send({ event: "press", rate: RATE, heard: this.player.stop() });
    this.talkButton("Opening the microphone ...", true);
    try {
      await this.microphone.open((pcm) => this.talking && this.socket.readyState === WebSocket.OPEN && this.socket.send(pcm));
    } catch (error) {
      this.cancel();
      this.problem(error.message);
      return;
    }
    if (!this.talking) { this.microphone.close(); return; } // let go before the microphone was open
    this.talkButton("Listening ...", true);
    this.state(this.held === null ? "Tap the button again to send." : "Let go of the button to send.");
  }

  release() {
    if (!this.talking) return;
    performance.mark("callsight:release");
    this.talking = false;
    this.microphone.close();
    this.talkButton("Hold to talk", false);
    const text = this.piece("text").value;
    if (this.send({ event: "release", text, files: this.files.map((file) => file.id) })) {
      this.piece("text").value = "";
      this.shown(text);
    }
  }

  cancel() {
    if (!this.talking) return;
    this.talking = false;
    this.microphone.close();
    this.send({ event: "cancel" });
    this.talkButton("Hold to talk", false);
    this.state("");
  }

  stop() {
    const heard = this.player.stop();
    this.send({ event: "stop", heard });
  }

  anew() {
    this.player.stop();
    this.call.end();
    this.send({ event: "anew" });
    this.piece("text").focus();
  }

  async attach(file) {
    this.problem("");
    if (file.size > LARGEST) {
      this.problem(`${file.name} has ${Math.round(file.size / 2 ** 20)} MB; a file may have ${LARGEST / 2 ** 20} MB.`);
      return;
    }
    const query = new URLSearchParams({ token: this.token, name: file.name });
    this.state("Sending the file ...");
    try {
      const answer = await fetch(`/page/files?${query}`, { method: "POST", body: file });
      const { id, kind, problem } = await answer.json();
      if (id) this.files.push({ id, kind, name: file.name, url: kind === "photo" ? URL.createObjectURL(file) : "" });
      else this.problem(problem);
    } catch {
      this.problem("The file could not be sent. Please try again.");
    }
    this.state("");
    this.drawFiles();
  }

  // --- what is shown; words of people are always text, never markup

  line(who, text, name = "", file = null) {
    const line = document.createElement("li");
    line.className = who;
    const by = { customer: "You", agent: this.dataset.title, person: name, note: "" }[who];
    if (by) line.append(Object.assign(document.createElement("b"), { textContent: by }));
    if (file?.url) line.append(Object.assign(new Image(), { src: file.url, alt: `Your photo ${file.name}` }));
    if (text) line.append(Object.assign(document.createElement("p"), { textContent: text }));
    const lines = this.piece("lines");
    lines.append(line);
    lines.scrollTop = lines.scrollHeight;
  }

  drawFiles() {
    this.piece("files").replaceChildren(...this.files.map((file) => {
      const chip = document.createElement("span");
      if (file.url) chip.append(Object.assign(new Image(), { src: file.url, alt: "" }));
      chip.append(file.name);
      const away = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
      away.setAttribute("aria-label", `Remove ${file.name}`);
      away.onclick = () => { this.files = this.files.filter((one) => one !== file); this.drawFiles(); };
      chip.append(away);
      return chip;
    }));
  }

  talkButton(words, pressed) {
    const button = this.piece("talk");
    button.setAttribute("aria-pressed", pressed);
    button.querySelector("span").textContent = words;
  }

  playing(playing) {
    if (playing) performance.mark("callsight:sound");
    this.piece("stop").hidden = !playing;
    this.dataset.playing = playing ? "yes" : "";
  }

  state(text) { this.piece("state").textContent = text || (this.call.open ? "In a call: just speak" : ""); }

  problem(text) {
    const place = this.piece("problem");
    place.textContent = text ?? "";
    place.hidden = !text;
    if (text) this.state("");
  }
}

customElements.define("callsight-talk", Talk);
