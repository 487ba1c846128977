// Gradloom for other languages: a few functions of the dynamic library libGradloomC.
//
// Models are handles: free each with gradloom_model_free. Texts are UTF-8; free those that are handed out with gradloom_free.
// Arrays are read where they lie, during the call. Any number of threads may use one model.
#ifndef GRADLOOM_H
#define GRADLOOM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What became of a call.
enum {
    gradloom_done = 0,
    // data, a configuration or a model that do not go together
    gradloom_bad_input = 1,
    // the loss was not a finite number
    gradloom_diverged = 2,
    // a file that cannot be read or written
    gradloom_input_output = 3,
    // stopped before the first step
    gradloom_stopped = 4,
    // anything else that the machine does not allow
    gradloom_unavailable = 5
};

// What an array's elements are.
enum {
    gradloom_float32 = 0,
    gradloom_float64 = 1,
    gradloom_int32 = 2,
    gradloom_int64 = 3,
    gradloom_uint8 = 4
};

// Rows × columns elements, row after row without gaps.
typedef struct {
    const void *start;
    int64_t rows;
    int64_t columns;
    int32_t element;
} gradloom_array;

// Samples to train on, and to validate on. What may be missing is a null pointer.
typedef struct {
    // samples × features
    const gradloom_array *inputs;
    // samples × columns: one column of whole numbers may be classes
    const gradloom_array *targets;
    // one for each sample: how much it counts in the loss; may be missing
    const double *weights;
    // samples to validate on, if the configuration takes none of those above; may be missing
    const gradloom_array *validation_inputs;
    const gradloom_array *validation_targets;
    // JSON lists of texts: the name of each feature, and of each class where the targets are indices of these; may be missing
    const char *feature_names;
    const char *class_names;
} gradloom_samples;

// Told what happens, one JSON object at a time, as in a run's metrics.jsonl: "progress", "epoch", "rollback". Another value than
// 0 ends the training after its current step.
typedef int32_t (*gradloom_report)(const char *event, void *context);

// Trains, on the calling thread and those of the workers. `configuration` is YAML or JSON, as in a configuration file, with
// data: {custom: {name: NAME}}. `initial` is a model of the same network to go on from, or null. `message` gets a sentence
// where the result is another than gradloom_done.
int32_t gradloom_train(const char *configuration, const gradloom_samples *samples, const void *initial,
                       gradloom_report report, void *context, void **model, char **message);

// Reads the model in a file, or that of a run directory.
int32_t gradloom_model_open(const char *path, void **model, char **message);

// Writes the model into a file.
int32_t gradloom_model_save(const void *model, const char *path, char **message);

// What is known of the model, as a JSON object.
char *gradloom_model_facts(const void *model);

// Writes samples × outputs predictions, float64 or float32, to `predictions`.
int32_t gradloom_model_predict(const void *model, const gradloom_array *inputs, void *predictions, int32_t element,
                               char **message);

void gradloom_model_free(void *model);
void gradloom_free(char *text);

#ifdef __cplusplus
}
#endif

#endif
