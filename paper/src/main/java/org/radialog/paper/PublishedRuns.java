package org.radialog.paper;

import java.nio.file.Path;

/**
 * The folders of the runs of a training.
 *
 * @param folder parent folder, with one folder per stage
 */
record PublishedRuns(Path folder) {
  Path findings() {
    return folder.resolve("findings");
  }

  Path qformer() {
    return folder.resolve("qformer");
  }

  Path language() {
    return folder.resolve("language");
  }

  /** The image encoder before training. */
  Path encoderWeights() {
    return folder.resolve("encoder.safetensors");
  }

  Path findingsWeights() {
    return findings().resolve(FindingsStage.WEIGHTS);
  }

  Path qformerWeights() {
    return qformer().resolve(QFormerStage.WEIGHTS);
  }

  Path languageWeights() {
    return language().resolve(AnswerStage.WEIGHTS);
  }
}
