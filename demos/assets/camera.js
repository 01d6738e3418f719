// A photo by the camera: shown live, taken by a press, handed over like any attached file.

export class Camera {
  constructor(dialog, taken, problem) {
    this.dialog = dialog;
    this.taken = taken;
    this.problem = problem;
    this.video = dialog.querySelector("video");
    dialog.querySelector("[data-take]").addEventListener("click", () => this.take());
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this.close());
  }

  async open() {
    try {
      const wanted = { facingMode: "environment", width: { ideal: 1920 }, height: { ideal: 1440 } };
      this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
    } catch {
      this.problem("The camera cannot be used here. You can attach a photo instead.");
      return;
    }
    this.video.srcObject = this.stream;
    this.dialog.showModal();
  }

  take() {
    if (!this.video.videoWidth) return; // no picture yet
    const canvas = Object.assign(document.createElement("canvas"), { width: this.video.videoWidth, height: this.video.videoHeight });
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    canvas.toBlob((blob) => this.taken(new File([blob], "photo.jpg", { type: "image/jpeg" })), "image/jpeg", 0.9);
    this.dialog.close();
  }

  close() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
  }
}
