package org.radialog.paper;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.PublishedPrompts;
import org.radialog.imaging.Preprocessing;
import org.radialog.language.LoraConfig;
import org.radialog.torch.TorchThreads;
import org.radialog.train.Ranges;
import org.radialog.train.RecipeFile;
import org.radialog.vision.Alignment;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.QFormer;
import org.radialog.vision.RowProjector;
import org.radialog.vision.VisionEncoder;

/**
 * How a published version of RaDialog is trained from films and their reports: the networks, and
 * what each stage does. A recipe is a JSON file with these fields in snake case, every one
 * mandatory, {@code null} for an empty {@code Optional}.
 *
 * @param id name of the model that comes out, for example {@code radialog-v1-rg}
 * @param seed of everything drawn at random
 * @param threads of one operation; results differ in their last bits from number to number. 0 for
 *     as many as the library takes by itself
 * @param version whose prompts and layout the dialogs have
 * @param preprocessing of films for the classifier and for the language model
 * @param vision the image encoder, of which the classifier has a second one
 * @param classifier the head that names findings
 * @param findings how encoder and head of the classifier learn
 * @param alignment what turns an image's features into image tokens
 * @param qformer how a Q-Former learns before the language model does; empty for an MLP
 * @param adapter LoRA beside the language model's own weights
 * @param reportEpochs how often a report with a finding stands among the dialogs, as {@link
 *     org.radialog.data.ReportRow#stratifiedForTraining} draws them
 * @param language how the language model learns
 */
public record PublishedRecipe(
    String id,
    long seed,
    int threads,
    PublishedPrompts.Version version,
    Preprocessing.Branches preprocessing,
    BioViLT.Config vision,
    Head classifier,
    FindingsRecipe findings,
    Alignment.Config alignment,
    Optional<QFormerRecipe> qformer,
    LoraConfig adapter,
    int reportEpochs,
    AnswerRecipe language) {
  /**
   * The classifier's head.
   *
   * @param pooling how the projected features become one vector
   * @param hidden width between its two linear layers
   */
  public record Head(FindingsClassifier.Pooling pooling, int hidden) {
    /**
     * Checks the range.
     *
     * @throws RadialogException if the width is out of it
     */
    public Head {
      Ranges.whole("classifier.hidden", hidden, 1, 65536);
    }
  }

  /** The recipes that come with the program, by their names; each is a resource. */
  public static final List<String> NAMES = List.of("v1-rg", "v1-ins", "v2");

  /**
   * Checks that the parts fit.
   *
   * @throws RadialogException if they do not
   */
  public PublishedRecipe {
    RecipeFile.requireId(id);
    Ranges.whole("threads", threads, 0, 1024);
    Ranges.whole("report_epochs", reportEpochs, 1, 1000);
    switch (alignment) {
      case QFormer.Config _ -> {}
      case MlpProjector.Config _ -> {}
      case RowProjector.Config _ ->
          throw new RadialogException(
              Kind.REFUSED_DATA,
              "alignment.type is precomputed: expected qformer or mlp, which can learn");
    }
    if (alignment instanceof QFormer.Config != qformer.isPresent()) {
      throw new RadialogException(
          Kind.REFUSED_DATA,
          "qformer is %s beside the alignment %s: expected it with a Q-Former, and null with an MLP"
              .formatted(qformer.isPresent() ? "there" : "null", alignment));
    }
  }

  FindingsClassifier.Config head() {
    return new FindingsClassifier.Config(
        vision.projectedChannels(), classifier.pooling(), classifier.hidden(), Finding.COUNT);
  }

  /** The output of the image encoder that the alignment reads. */
  VisionEncoder.Source features() {
    return switch (alignment) {
      case QFormer.Config queries -> queries.source();
      case MlpProjector.Config projector -> projector.source();
      case RowProjector.Config _ -> throw new IllegalStateException("reads no film");
    };
  }

  /** Image tokens of a film. */
  int imageTokens() {
    return switch (alignment) {
      case QFormer.Config queries -> queries.queries();
      case MlpProjector.Config _ -> {
        int cells = (preprocessing.crops().alignment() + 31) / 32; // the encoder has stride 32
        yield cells * cells;
      }
      case RowProjector.Config _ -> throw new IllegalStateException("reads no film");
    };
  }

  /** The name of the wording of the dialogs. */
  String prompt() {
    return switch (version) {
      case V1 -> "radialog-v1";
      case V2 -> "radialog-v2";
    };
  }

  /** {@link #threads} for the operations of this thread, until it is closed. */
  TorchThreads operationThreads() {
    return threads > 0 ? TorchThreads.of(threads) : TorchThreads.all();
  }

  /** The text of a recipe that comes with the program, one of {@link #NAMES}. */
  public static String text(String name) {
    return RecipeFile.text(name, NAMES, PublishedRecipe.class);
  }

  /** A recipe that comes with the program, one of {@link #NAMES}. */
  public static PublishedRecipe named(String name) {
    return RecipeFile.named(name, NAMES, PublishedRecipe.class);
  }

  /**
   * Reads a recipe.
   *
   * @throws RadialogException if the file cannot be read, or a field is unknown, missing, of
   *     another type or out of its range
   */
  public static PublishedRecipe read(Path file) {
    return RecipeFile.read(file, PublishedRecipe.class);
  }
}
