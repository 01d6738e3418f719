// A hands-free call: the microphone to the server all the time, the agent's sound back, silenced when it is told to.
import { Microphone, Player, RATE } from "./sound.js";

export class Call {
  constructor(page) {
    this.page = page;
    this.microphone = new Microphone();
    this.player = new Player((playing) => {
      if (playing) performance.mark("callsight:call-sound");
      page.piece("call").dataset.speaking = playing ? "yes" : "";
    });
    this.on = this.open = false;
  }

  async begin() {
    this.on = true;
    this.page.problem("");
    this.page.player.stop();
    this.show("Connecting ...");
    try {
      await this.player.wake();
      await this.microphone.open((pcm) => this.open && this.socket?.readyState === WebSocket.OPEN && this.socket.send(pcm));
    } catch (error) {
      this.end();
      this.page.problem(error.message);
      return;
    }
    if (!this.on) return this.end();
    this.socket = new WebSocket(`${this.page.base}/call?token=${encodeURIComponent(this.page.token)}`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => (typeof data === "string" ? this.control(JSON.parse(data)) : this.player.add(data, RATE));
    this.socket.onclose = () => this.end();
  }

  told({ state, ahead }) { // by the conversation's own connection
    if (state === "waiting") this.show(ahead ? `All lines are busy: you are number ${ahead}. Waiting ...` : "Connecting ...");
    if (state === "open") { this.open = true; this.show(""); }
    if (state === "over") this.end();
  }

  async control({ event, name }) {
    if (event === "clear") this.player.stop();
    if (event === "mark") {
      await this.player.quiet();
      this.socket?.send(JSON.stringify({ event: "played", name }));
    }
    if (event === "over") this.end();
  }

  end() {
    if (!this.on) return;
    this.on = this.open = false;
    this.microphone.close();
    this.player.stop();
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ event: "stop" }));
    this.socket?.close();
    this.socket = null;
    this.show("");
  }

  show(words) {
    const button = this.page.piece("call");
    button.setAttribute("aria-pressed", this.on);
    button.querySelector("span").textContent = this.on ? "End the call" : "Call, hands free";
    this.page.piece("talk").disabled = this.on;
    this.page.state(words);
  }
}
