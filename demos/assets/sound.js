// The microphone in and the agent's voice out.

export const RATE = 16000;

// Plays pieces of 16-bit PCM one after the other, and knows how much was heard.
export class Player {
  constructor(changed) {
    this.changed = changed; // called when it begins and when it has fallen quiet
    this.pieces = [];
    this.ends = 0;
    this.heard = 0; // seconds played to their end since the words began
  }

  begin() { // other words begin
    this.heard = 0;
  }

  async wake() { // browsers allow sound only after the visitor did something
    this.context ??= new AudioContext();
    if (this.context.state !== "running") await this.context.resume();
  }

  get playing() {
    return this.pieces.length > 0;
  }

  add(pcm, rate) {
    if (!pcm.byteLength) return;
    this.context ??= new AudioContext();
    this.context.resume();
    const samples = Float32Array.from(new Int16Array(pcm), (sample) => sample / 32768);
    const buffer = this.context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.context.destination);
    const at = Math.max(this.context.currentTime, this.ends);
    source.start(at);
    this.ends = at + buffer.duration;
    const piece = { source, at, seconds: buffer.duration };
    if (this.pieces.push(piece) === 1) this.changed(true);
    source.onended = () => this.over(piece);
  }

  over(piece) {
    this.pieces = this.pieces.filter((one) => one !== piece);
    this.heard += piece.seconds;
    if (!this.pieces.length) this.changed(false);
  }

  stop() { // fall quiet at once; how many seconds of the words were heard
    const now = this.context?.currentTime ?? 0;
    const heard = this.heard + (this.pieces.length ? Math.max(0, now - this.pieces[0].at) : 0);
    const { pieces, playing } = this;
    this.heard = 0;
    this.pieces = [];
    this.ends = 0;
    for (const piece of pieces) {
      piece.source.onended = null;
      piece.source.stop();
    }
    if (playing) this.changed(false);
    return heard;
  }

  async quiet() { // wait until all was played
    while (this.playing) await new Promise((done) => setTimeout(done, 50));
  }
}

// The microphone as messages of 16-bit PCM at RATE; open only while it is needed.
export class Microphone {
  async open(heard) {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("This browser gives no microphone here. Open the page over https, or on this machine; or type.");
    }
    const wanted = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    } catch (error) {
      throw new Error(REFUSED[error.name] ?? "The microphone cannot be used. You can type instead.");
    }
    const source = await this.source();
    const options = { processorOptions: { rate: RATE } };
    await this.context.audioWorklet.addModule(new URL("capture.js", import.meta.url));
    this.node = new AudioWorkletNode(this.context, "capture", options);
    this.node.port.onmessage = (message) => heard(message.data);
    source.connect(this.node);
  }

  async source() { // at RATE by the browser's own resampling; where it cannot, filtered for ours
    try {
      this.context = new AudioContext({ sampleRate: RATE });
      return this.context.createMediaStreamSource(this.stream);
    } catch {
      this.context = new AudioContext();
      const filters = [0, 1].map(() => new BiquadFilterNode(this.context, { type: "lowpass", frequency: 7000 }));
      this.context.createMediaStreamSource(this.stream).connect(filters[0]).connect(filters[1]);
      return filters[1];
    }
  }

  close() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.context?.close();
    this.stream = this.context = null;
  }
}

const REFUSED = {
  NotAllowedError: "The microphone was not allowed. Allow it in the browser's address bar, or type.",
  NotFoundError: "No microphone was found. Plug one in, or type.",
  NotReadableError: "Another program holds the microphone. Close it, or type.",
};
