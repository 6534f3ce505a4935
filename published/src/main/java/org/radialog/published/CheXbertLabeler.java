package org.radialog.published;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.radialog.base.RadialogException;
import org.radialog.base.RadialogException.Kind;
import org.radialog.clinical.Finding;
import org.radialog.clinical.FindingState;
import org.radialog.clinical.Labels;
import org.radialog.clinical.ReportLabeler;
import org.radialog.language.Bert;
import org.radialog.text.WordPiece;
import org.radialog.torch.Parameters;
import org.radialog.weights.Checkpoint;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Labels reports with {@link CheXbert}. It gives the state of each finding but no positions: the
 * passages of its {@link Labels} are empty. A report is read up to the number of positions of the
 * network.
 *
 * <p>Safe for several threads until closed; {@link #close} frees its memory.
 */
public final class CheXbertLabeler implements ReportLabeler, AutoCloseable {
  /** The file names in a folder. */
  private static final String WEIGHTS = "chexbert.pth";

  private static final String VOCABULARY = "vocab.txt";
  private static final String CONFIG = "config.json";

  // All published BERTs have heads of this size, which no shape shows.
  private static final int HEAD_SIZE = 64;

  // The batch size of the reference; the rows of a batch are padded to the longest.
  private static final int BATCH = 12;

  private final Parameters parameters;
  private final CheXbert network;
  private final WordPiece tokenizer;
  private final int longest;

  private CheXbertLabeler(
      Parameters parameters, CheXbert network, WordPiece tokenizer, int longest) {
    this.parameters = parameters;
    this.network = network;
    this.tokenizer = tokenizer;
    this.longest = longest;
  }

  /**
   * The labeler of a checkpoint, or of a folder with {@code chexbert.pth} or a single other
   * checkpoint; {@code vocab.txt} of {@code bert-base-uncased} must be in the same folder.
   *
   * @throws RadialogException if a file is missing or belongs to another network
   */
  public static CheXbertLabeler open(Path fileOrFolder) {
    boolean folder = Files.isDirectory(fileOrFolder);
    Path named = fileOrFolder.resolve(WEIGHTS);
    Path weights = folder && Files.exists(named) ? named : fileOrFolder;
    return open(
        weights,
        folder ? fileOrFolder.resolve(VOCABULARY) : fileOrFolder.resolveSibling(VOCABULARY));
  }

  /**
   * The labeler of a checkpoint with a vocabulary from elsewhere. The number of attention heads is
   * taken from a {@code config.json} in the folder of the weights; without one it is the width
   * divided by 64, as in BERT.
   *
   * @param vocabulary {@code vocab.txt}, one piece per line
   * @throws RadialogException if a file is missing or belongs to another network
   */
  public static CheXbertLabeler open(Path weights, Path vocabulary) {
    List<String> pieces = lines(vocabulary);
    try (Checkpoint checkpoint = Checkpoint.open(weights)) {
      Recognition recognition = Recognition.of(checkpoint);
      if (!(recognition.kind() instanceof CheckpointKind.Labeler kind)) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            weights
                + ": expected the checkpoint of CheXbert, found "
                + recognition.kind().title()
                + "; the name of the published file is "
                + WEIGHTS);
      }
      if (!recognition.missing().isEmpty()) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "%s: CheXbert needs %d tensors that the file lacks, the first is %s"
                .formatted(
                    weights, recognition.missing().size(), recognition.missing().getFirst()));
      }
      if (pieces.size() != kind.vocab()) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            "%s: expected the %d pieces that %s was trained with, found %d"
                .formatted(vocabulary, kind.vocab(), weights, pieces.size()));
      }
      return built(checkpoint, recognition.prefix(), kind.config(heads(weights, kind)), pieces);
    }
  }

  private static CheXbertLabeler built(
      Checkpoint checkpoint, String prefix, Bert.Config config, List<String> pieces) {
    WordPiece tokenizer = WordPiece.of(pieces);
    Parameters parameters = Parameters.of(checkpoint);
    try {
      CheXbert network = CheXbert.of(parameters.at(prefix), config);
      return new CheXbertLabeler(parameters, network, tokenizer, config.positions());
    } catch (RuntimeException | Error e) {
      parameters.close();
      tokenizer.close();
      throw e;
    }
  }

  private static int heads(Path weights, CheckpointKind.Labeler kind) {
    Path folder = Files.isDirectory(weights) ? weights : weights.resolveSibling("");
    Path config = folder.resolve(CONFIG);
    Optional<Integer> stated = Files.exists(config) ? stated(config) : Optional.empty();
    if (stated.isEmpty() && kind.hidden() % HEAD_SIZE != 0) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          ("%s: its width of %d does not determine the number of attention heads; put it"
                  + " in %s in the same folder: {\"num_attention_heads\": 12}")
              .formatted(weights, kind.hidden(), config));
    }
    return stated.orElseGet(() -> kind.hidden() / HEAD_SIZE);
  }

  private static Optional<Integer> stated(Path config) {
    try {
      JsonNode heads =
          JsonMapper.shared().readTree(Files.readAllBytes(config)).path("num_attention_heads");
      if (heads.isMissingNode()) {
        return Optional.empty();
      }
      if (!heads.canConvertToInt() || heads.intValue() < 1) {
        throw new RadialogException(
            Kind.REFUSED_WEIGHTS,
            config + ": expected a number of num_attention_heads, found " + heads);
      }
      return Optional.of(heads.intValue());
    } catch (IOException e) {
      throw new RadialogException(Kind.REFUSED_WEIGHTS, "cannot read " + config + ": " + e, e);
    } catch (JacksonException e) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS, config + ": expected JSON, found " + e.getOriginalMessage(), e);
    }
  }

  private static List<String> lines(Path vocabulary) {
    if (!Files.isRegularFile(vocabulary)) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS,
          vocabulary
              + ": CheXbert needs the vocabulary of bert-base-uncased, one piece per line,"
              + " found no such file");
    }
    try {
      return Files.readAllLines(vocabulary, StandardCharsets.UTF_8);
    } catch (CharacterCodingException e) {
      throw new RadialogException(
          Kind.REFUSED_WEIGHTS, vocabulary + ": expected text in UTF-8, found other bytes", e);
    } catch (IOException e) {
      throw new RadialogException(Kind.REFUSED_WEIGHTS, "cannot read " + vocabulary + ": " + e, e);
    }
  }

  @Override
  public Labels label(String report) {
    return label(List.of(report)).getFirst();
  }

  /** The labels of each report, in order; faster than labelling them one by one. */
  public List<Labels> label(List<String> reports) {
    List<Labels> labels = new ArrayList<>();
    for (int from = 0; from < reports.size(); from += BATCH) {
      List<int[]> rows =
          reports.subList(from, Math.min(from + BATCH, reports.size())).stream()
              .map(report -> tokenizer.encode(CheXbert.prepared(report), longest))
              .toList();
      network.states(rows).forEach(states -> labels.add(labels(states)));
    }
    return labels;
  }

  private static Labels labels(List<FindingState> states) {
    Map<Finding, Labels.Entry> entries = new EnumMap<>(Finding.class);
    for (int head = 0; head < CheXbert.HEADS.size(); head++) {
      entries.put(CheXbert.HEADS.get(head), new Labels.Entry(states.get(head), List.of()));
    }
    return new Labels(entries);
  }

  /** Frees the network; afterwards no report can be labelled. */
  @Override
  public void close() {
    parameters.close();
    tokenizer.close();
  }
}
