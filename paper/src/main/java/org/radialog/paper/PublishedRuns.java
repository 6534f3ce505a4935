package org.radialog.paper;

import java.nio.file.Path;

/**
 * Where the runs of a training lie.
 *
 * @param folder a folder per stage is below it
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

  /** The image encoder as it was before anything learned. */
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
