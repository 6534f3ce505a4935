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
import org.radialog.loop.Ranges;
import org.radialog.loop.RecipeFile;
import org.radialog.torch.TorchThreads;
import org.radialog.vision.Alignment;
import org.radialog.vision.BioViLT;
import org.radialog.vision.FindingsClassifier;
import org.radialog.vision.MlpProjector;
import org.radialog.vision.QFormer;
import org.radialog.vision.RowProjector;
import org.radialog.vision.VisionEncoder;

/**
 * The recipe for training a published version of RaDialog from films and their reports: the
 * networks and the training stages. A recipe is a JSON file with these fields in snake case. Every
 * field is mandatory; an empty {@code Optional} is {@code null}.
 *
 * @param id name of the trained model, for example {@code radialog-v1-rg}
 * @param seed seed of all random numbers
 * @param threads number of threads of an operation, or of parts of a batch that are computed at the
 *     same time; results depend on it in the last bits, and dropout masks altogether. 0 for the
 *     number of processors
 * @param version version whose prompts and dialog layout are used
 * @param preprocessing preprocessing of films for the classifier and for the language model
 * @param vision image encoder, of which the classifier has a separate copy
 * @param classifier head of the findings classifier
 * @param findings training of the encoder and head of the classifier
 * @param alignment network that maps image features to image tokens
 * @param qformer training of the Q-Former before the language stage; empty for an MLP
 * @param adapter LoRA adapter of the language model
 * @param reportEpochs number of repetitions of each report with a finding among the dialogs, drawn
 *     as in {@link org.radialog.data.ReportRow#stratifiedForTraining}
 * @param instructions whether the language model is trained on a file of dialogs instead of the
 *     reports
 * @param language training of the language stage
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
    boolean instructions,
    AnswerRecipe language) {
  /**
   * The head of the classifier.
   *
   * @param pooling how the projected features are reduced to a vector
   * @param hidden width between the two linear layers
   */
  public record Head(FindingsClassifier.Pooling pooling, int hidden) {
    /**
     * Checks the range.
     *
     * @throws RadialogException if the width is out of range
     */
    public Head {
      Ranges.whole("classifier.hidden", hidden, 1, 65536);
    }
  }

  /** The names of the built-in recipes, each of which is a resource. */
  public static final List<String> NAMES = List.of("v1-rg", "v1-ins", "v2");

  /**
   * Checks that the parts are consistent.
   *
   * @throws RadialogException if they are not
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
          "qformer is %s with the alignment %s: expected a value for a Q-Former and null for an MLP"
              .formatted(qformer.isPresent() ? "there" : "null", alignment));
    }
  }

  FindingsClassifier.Config head() {
    return new FindingsClassifier.Config(
        vision.projectedChannels(), classifier.pooling(), classifier.hidden(), Finding.COUNT);
  }

  /** The output of the image encoder that is the input of the alignment. */
  VisionEncoder.Source features() {
    return switch (alignment) {
      case QFormer.Config queries -> queries.source();
      case MlpProjector.Config projector -> projector.source();
      case RowProjector.Config _ -> throw new IllegalStateException("reads no film");
    };
  }

  /** The number of image tokens per film. */
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

  /** The name of the prompt format. */
  String prompt() {
    return switch (version) {
      case V1 -> "radialog-v1";
      case V2 -> "radialog-v2";
    };
  }

  /** Applies {@link #threads} to the operations of this thread until it is closed. */
  TorchThreads operationThreads() {
    return threads > 0 ? TorchThreads.of(threads) : TorchThreads.all();
  }

  /** The text of a built-in recipe, one of {@link #NAMES}. */
  public static String text(String name) {
    return RecipeFile.text(name, NAMES, PublishedRecipe.class);
  }

  /** A built-in recipe, one of {@link #NAMES}. */
  public static PublishedRecipe named(String name) {
    return RecipeFile.named(name, NAMES, PublishedRecipe.class);
  }

  /**
   * Reads a recipe.
   *
   * @throws RadialogException if the file cannot be read, or a field is unknown, missing, of
   *     another type or out of range
   */
  public static PublishedRecipe read(Path file) {
    return RecipeFile.read(file, PublishedRecipe.class);
  }
}
