package org.radialog.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.radialog.loop.Workers;
import org.radialog.paper.PublishedRecipe;
import org.radialog.paper.PublishedSources;
import org.radialog.paper.PublishedTraining;
import org.radialog.train.ClassifierTraining;
import org.radialog.train.CombinedModel;
import org.radialog.train.ExportConfig;
import org.radialog.train.LanguageTraining;
import org.radialog.train.ModelExport;
import org.radialog.train.ModelTraining;
import org.radialog.train.Recipe;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code radialog train …}: the stages of training. The same command resumes an interrupted run.
 */
@Command(
    name = "train",
    description = {
      "Trains a model. Each stage writes a run folder with its config, a table, a"
          + " plot and checkpoints. An interrupted run resumes with the same command."
    },
    subcommands = {
      TrainCommand.Encoder.class,
      TrainCommand.Classifier.class,
      TrainCommand.Language.class,
      TrainCommand.Model.class,
      TrainCommand.Export.class,
      TrainCommand.Combine.class,
      TrainCommand.Published.class,
      TrainCommand.Recipes.class,
    },
    subcommandsRepeatable = false,
    synopsisSubcommandLabel = "STAGE",
    mixinStandardHelpOptions = true)
final class TrainCommand {
  private TrainCommand() {}

  /** The films, the folds and the held-out fold, needed by every stage. */
  static final class Films {
    @Option(
        names = "--data",
        required = true,
        paramLabel = "DIR",
        description =
            "A folder with labels.csv and images/ (NIH ChestX-ray14); may be repeated. Every"
                + " patient needs a fold.")
    private List<Path> data = List.of();

    @Option(
        names = "--fold",
        paramLabel = "K",
        defaultValue = "0",
        converter = Numeric.Fold.class,
        description = "The fold of patients to hold out (default: ${DEFAULT-VALUE}).")
    private int fold;

    @Option(
        names = "--folds",
        paramLabel = "FILE",
        description =
            "A table written by radialog data folds (default: the folds of NIH ChestX-ray14).")
    private @Nullable Path folds;

    Optional<Path> folds() {
      return Optional.ofNullable(folds);
    }
  }

  /** The model folder that is written. */
  static final class Written {
    @Option(
        names = "--out",
        required = true,
        paramLabel = "DIR",
        description = "The model folder to write.")
    private Path out = Path.of("");

    @Option(
        names = "--model-version",
        paramLabel = "V",
        defaultValue = "0.1.0",
        description = "Version of the model, for its config (default: ${DEFAULT-VALUE}).")
    private String version = "";

    @Option(
        names = "--commit",
        paramLabel = "ID",
        defaultValue = "unknown",
        description = "The commit of this code, for the model card.")
    private String commit = "";
  }

  /** The language model to start from. */
  static final class Base {
    @Option(
        names = "--base",
        required = true,
        paramLabel = "FILE",
        description = "The language model, a GGUF file.")
    private Path file = Path.of("");
  }

  /** The recipe. */
  static final class Told {
    @Option(
        names = "--recipe",
        paramLabel = "RECIPE",
        defaultValue = "mini",
        description =
            "Networks, learning rates, steps and seed: the name of a built-in recipe or a"
                + " JSON file (default: ${DEFAULT-VALUE}).")
    private String recipe = "";

    Recipe recipe() {
      return Recipe.NAMES.contains(recipe) ? Recipe.named(recipe) : Recipe.read(Path.of(recipe));
    }
  }

  /** Further films. */
  static final class Further {
    @Option(
        names = "--further",
        paramLabel = "DIR",
        arity = "1..*",
        description =
            "Folders with further labelled films in the layout of --data, for the passes at the"
                + " small side; labels.csv may have nih_labels and rsna_class.")
    private List<Path> folders = List.of();
  }

  /** The processes and machines of a training. */
  static final class Together {
    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec spec;

    @Option(
        names = "--processes",
        paramLabel = "N",
        defaultValue = "1",
        converter = Numeric.Count.class,
        description =
            "Processes on this machine among which each batch is divided (default:"
                + " ${DEFAULT-VALUE}).")
    private int processes;

    @Option(
        names = "--nodes",
        paramLabel = "M",
        defaultValue = "1",
        converter = Numeric.Count.class,
        description =
            "Machines that train together; each runs this command with its own --rank (default:"
                + " ${DEFAULT-VALUE}).")
    private int nodes;

    @Option(
        names = "--rank",
        paramLabel = "K",
        defaultValue = "0",
        converter = Numeric.Fold.class,
        description = "The number of this machine, from 0 (default: ${DEFAULT-VALUE}).")
    private int rank;

    @Option(
        names = "--rendezvous",
        paramLabel = "HOST:PORT",
        description = "Where machines meet: an address of machine 0 and a free port of it.")
    private @Nullable String rendezvous;

    Workers.Spread spread() {
      CommandLine root = Objects.requireNonNull(spec).root().commandLine();
      List<String> again = new ArrayList<>(List.of(root.getCommand().getClass().getName()));
      again.addAll(root.getParseResult().originalArgs());
      try {
        return new Workers.Spread(processes, nodes, rank, Optional.ofNullable(rendezvous), again);
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), e.getMessage(), e);
      }
    }
  }

  /** What a training of encoder and classifier needs. */
  static final class FindingsRun {
    @Mixin private Films films = new Films();

    @Mixin private Further further = new Further();

    @Mixin private Told told = new Told();

    @Option(
        names = "--init",
        required = true,
        paramLabel = "FILE",
        description =
            "ImageNet weights of EfficientNet-Lite0, or classifier.safetensors of a pretraining.")
    private Path init = Path.of("");

    @Option(names = "--run", required = true, paramLabel = "DIR", description = "The run folder.")
    private Path run = Path.of("");

    ClassifierTraining.Config config() {
      return new ClassifierTraining.Config(
          films.data, further.folders, films.fold, films.folds(), init, told.recipe());
    }
  }

  @Command(
      name = "classifier",
      description = "Stage 1: trains the image encoder and the findings classifier.",
      mixinStandardHelpOptions = true)
  static final class Classifier implements Callable<Integer> {
    @Mixin private FindingsRun of = new FindingsRun();

    @Override
    public Integer call() {
      ClassifierTraining.train(of.config(), of.run, Terminal.progress());
      return Main.DONE;
    }
  }

  @Command(
      name = "encoder",
      description =
          "Before stage 1: pretrains encoder and classifier on further films, of patients who are"
              + " in no fold.",
      mixinStandardHelpOptions = true)
  static final class Encoder implements Callable<Integer> {
    @Mixin private FindingsRun of = new FindingsRun();

    @Override
    public Integer call() {
      ClassifierTraining.pretrain(of.config(), of.run, Terminal.progress());
      return Main.DONE;
    }
  }

  @Command(
      name = "language",
      description = "Stages 2 and 3: trains the alignment, then LoRA of the language model.",
      mixinStandardHelpOptions = true)
  static final class Language implements Callable<Integer> {
    @Mixin private Films films = new Films();

    @Mixin private Told told = new Told();

    @Option(
        names = "--classifier",
        required = true,
        paramLabel = "FILE",
        description = "classifier.safetensors of a stage 1 run that held out the same fold.")
    private Path classifier = Path.of("");

    @Mixin private Base base = new Base();

    @Option(
        names = "--out-of-fold",
        paramLabel = "CSV",
        arity = "1..*",
        description = "The held-out.csv files of the classifier runs of the other folds.")
    private List<Path> outOfFold = List.of();

    @Option(
        names = "--from",
        paramLabel = "FILE",
        description =
            "language.safetensors of an earlier run with the same classifier; continues"
                + " training from it, on dialogs only.")
    private @Nullable Path from;

    @Option(names = "--run", required = true, paramLabel = "DIR", description = "The run folder.")
    private Path run = Path.of("");

    @Mixin private Together together = new Together();

    @Override
    public Integer call() {
      LanguageTraining.train(
          new LanguageTraining.Config(
              films.data,
              films.fold,
              films.folds(),
              classifier,
              base.file,
              outOfFold,
              Optional.ofNullable(from),
              told.recipe()),
          run,
          Terminal.progress(),
          together.spread());
      return Main.DONE;
    }
  }

  @Command(
      name = "model",
      description =
          "Runs all stages on all folds, then writes the model folder with its model card.",
      mixinStandardHelpOptions = true)
  static final class Model implements Callable<Integer> {
    @Mixin private Films films = new Films();

    @Mixin private Further further = new Further();

    @Mixin private Told told = new Told();

    @Option(
        names = "--init",
        required = true,
        paramLabel = "FILE",
        description = "ImageNet weights of EfficientNet-Lite0.")
    private Path init = Path.of("");

    @Mixin private Base base = new Base();

    @Option(
        names = "--runs",
        required = true,
        paramLabel = "DIR",
        description = "The folder for the run folders.")
    private Path runs = Path.of("");

    @Mixin private Written written = new Written();

    @Override
    public Integer call() {
      ModelTraining.train(
          new ModelTraining.Config(
              films.data,
              further.folders,
              films.fold,
              films.folds(),
              init,
              base.file,
              told.recipe(),
              written.version,
              written.commit),
          runs,
          written.out,
          Terminal.progress());
      return Main.DONE;
    }
  }

  @Command(
      name = "export",
      description = "Writes a model folder from the run folders of finished runs.",
      mixinStandardHelpOptions = true)
  static final class Export implements Callable<Integer> {
    @Mixin private Films films = new Films();

    @Option(
        names = "--classifier",
        required = true,
        paramLabel = "FOLD=DIR",
        description = "Run folder of stage 1 with the fold that it held out; may be repeated.")
    private Map<Integer, Path> classifiers = new TreeMap<>();

    @Option(
        names = "--language",
        required = true,
        paramLabel = "DIR",
        description = "Run folder of the language stage.")
    private Path language = Path.of("");

    @Mixin private Base base = new Base();

    @Mixin private Written written = new Written();

    @Override
    public Integer call() {
      ModelExport.write(
          new ExportConfig(
              films.data,
              films.fold,
              films.folds(),
              classifiers,
              language,
              base.file,
              written.version,
              written.commit),
          written.out,
          Terminal.progress());
      return Main.DONE;
    }
  }

  @Command(
      name = "combine",
      description =
          "Writes a model folder with the encoder and classifier of an existing model, and the"
              + " alignment and language model of a run that was trained on that encoder.",
      mixinStandardHelpOptions = true)
  static final class Combine implements Callable<Integer> {
    @Option(
        names = "--model",
        required = true,
        paramLabel = "DIR",
        description = "The existing model folder.")
    private Path model = Path.of("");

    @Option(
        names = "--language",
        required = true,
        paramLabel = "DIR",
        description =
            "Run folder of the language stage, trained with --classifier"
                + " MODEL/radialog.safetensors.")
    private Path language = Path.of("");

    @Mixin private Base base = new Base();

    @Option(
        names = "--out",
        required = true,
        paramLabel = "DIR",
        description = "The model folder to write.")
    private Path out = Path.of("");

    @Override
    public Integer call() {
      CombinedModel.write(model, language, base.file, out, Terminal.progress());
      return Main.DONE;
    }
  }

  @Command(
      name = "published",
      description = {
        "Trains a published version of RaDialog on films and their reports (MIMIC-CXR): the"
            + " findings classifier, the Q-Former (version 1 only), then the language model. Writes"
            + " a run folder per stage and the model folder."
      },
      mixinStandardHelpOptions = true)
  static final class Published implements Callable<Integer> {
    @Option(
        names = "--recipe",
        paramLabel = "RECIPE",
        required = true,
        description =
            "The recipe: v1-rg (version 1, reports), v1-ins (version 1, instructions), v2, or a"
                + " JSON file.")
    private String recipe = "";

    @Option(
        names = "--data",
        required = true,
        paramLabel = "DIR",
        description = "MIMIC-CXR in its published layout: tables, images and reports.")
    private Path data = Path.of("");

    @Option(
        names = "--chexbert",
        paramLabel = "CSV",
        description = "CheXbert labels of the reports (default: the labels of the data set).")
    private @Nullable Path chexbert;

    @Option(
        names = "--vision",
        paramLabel = "FILE",
        description =
            "Initial weights of the image encoder, the published file of BioViL-T (default:"
                + " random weights).")
    private @Nullable Path vision;

    @Option(
        names = "--bert",
        paramLabel = "DIR",
        description =
            "Folder of bert-base-uncased, the initial weights of the Q-Former; required for version"
                + " 1.")
    private @Nullable Path bert;

    @Option(
        names = "--dialogs",
        paramLabel = "FILE",
        description = "Dialogs written by radialog data instruct, for v1-ins and v2.")
    private @Nullable Path dialogs;

    @Option(
        names = "--base",
        required = true,
        paramLabel = "MODEL",
        description =
            "The language model: a GGUF file, or a folder made from Vicuna by radialog import.")
    private Path base = Path.of("");

    @Option(
        names = "--runs",
        required = true,
        paramLabel = "DIR",
        description = "The folder for the run folders.")
    private Path runs = Path.of("");

    @Option(
        names = "--out",
        required = true,
        paramLabel = "DIR",
        description = "The model folder to write.")
    private Path out = Path.of("");

    @Mixin private Together together = new Together();

    @Override
    public Integer call() {
      PublishedRecipe told =
          PublishedRecipe.NAMES.contains(recipe)
              ? PublishedRecipe.named(recipe)
              : PublishedRecipe.read(Path.of(recipe));
      PublishedTraining.train(
          new PublishedSources(
              data,
              Optional.ofNullable(chexbert),
              Optional.ofNullable(vision),
              Optional.ofNullable(bert),
              Optional.ofNullable(dialogs),
              base,
              told),
          runs,
          out,
          Terminal.progress(),
          together.spread());
      return Main.DONE;
    }
  }

  @Command(
      name = "recipe",
      description = "Prints a built-in recipe, as a starting point for --recipe.",
      mixinStandardHelpOptions = true)
  static final class Recipes implements Callable<Integer> {
    @Parameters(
        paramLabel = "NAME",
        defaultValue = "mini",
        description = "Name of the recipe: mini, v1-rg, v1-ins or v2 (default: ${DEFAULT-VALUE}).")
    private String name = "";

    @Override
    public Integer call() {
      System.out.print(
          PublishedRecipe.NAMES.contains(name) ? PublishedRecipe.text(name) : Recipe.text(name));
      return Main.DONE;
    }
  }
}
