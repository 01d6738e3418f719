// Audio worklet: the microphone's sound as 16-bit PCM at the rate asked for, in messages of 20 ms.
class Capture extends AudioWorkletProcessor {
  constructor(options) {
    super();
    this.step = sampleRate / options.processorOptions.rate; // input samples for one output sample
    this.next = 0; // where the next output sample lies, in input samples from the start of the coming block
    this.last = 0;
    this.out = new Int16Array(Math.round(options.processorOptions.rate / 50));
    this.filled = 0;
  }

  process(inputs) {
    const heard = inputs[0][0];
    if (!heard) return true;
    for (; this.next < heard.length; this.next += this.step) {
      const left = Math.ceil(this.next) - 1;
      const before = left < 0 ? this.last : heard[left];
      const share = this.next - left;
      this.put(before + (heard[Math.min(left + 1, heard.length - 1)] - before) * share);
    }
    this.next -= heard.length;
    this.last = heard[heard.length - 1];
    return true;
  }

  put(sample) {
    this.out[this.filled++] = Math.max(-1, Math.min(1, sample)) * 32767;
    if (this.filled < this.out.length) return;
    const whole = this.out.slice();
    this.port.postMessage(whole.buffer, [whole.buffer]);
    this.filled = 0;
  }
}

registerProcessor("capture", Capture);
