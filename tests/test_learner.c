/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/learner.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/rng.h"

static const struct learner_stakes stakes = {
    .penalty = 20,
    .beta = 1,
    .floor = 0.01,
    .max = 64,
};

struct fixture {
    enum gt_resource resource;
    double scale; /* of every amount */
    struct learner_stakes stakes;
    struct demand demand;
    struct learner learner;
};

static void
start(struct fixture *f, enum gt_resource resource, double scale)
{
    f->resource = resource;
    f->scale = scale;
    f->stakes = stakes;
    f->stakes.floor *= scale;
    f->stakes.max *= scale;
    demand_init(&f->demand, resource, 2 * scale);
    learner_init(&f->learner, &f->demand, 2 * scale);
}

/* A tick of 15 samples between @low and @high. */
static void
tick(struct fixture *f, struct gt_rng *rng, double low, double high)
{
    for (int s = 0; s < 15; s++) {
        double usage = low + (high - low) * gt_rng_unit(rng);
        struct demand_sample sample = {.usage = f->scale * usage, .seconds = 1};
        demand_add(&f->demand, &sample);
    }
    demand_tick(&f->demand);
    learner_tick(&f->learner, &f->demand, &f->stakes);
}

static double
weight_sum(const struct learner *l)
{
    double sum = 0;

    for (int j = 0; j < DEMAND_FORECASTERS; j++) {
        assert_true(learner_weight(l, j) >= 0);
        sum += learner_weight(l, j);
    }
    return sum;
}

static void
the_first_guess_is_the_last_minute_and_some_patience(void **state)
{
    struct fixture f;
    (void)state;

    start(&f, GT_CPU, 1);
    assert_true(learner_weight(&f.learner, 1) == 1);
    assert_true(learner_patience(&f.learner) == 3);

    start(&f, GT_MEMORY, 1024);
    assert_true(learner_weight(&f.learner, 1) == 1);
    assert_true(learner_patience(&f.learner) == 24);
}

static void
probabilities_add_up_to_one(void **state)
{
    struct gt_rng rng = {.state = 1};
    struct fixture f;
    (void)state;

    start(&f, GT_CPU, 1);
    for (int i = 0; i < 2000; i++) {
        double high = 0.2 + 4 * gt_rng_unit(&rng);
        tick(&f, &rng, 0.1, high);
        assert_true(fabs(weight_sum(&f.learner) - 1) < 1e-9);
        assert_true(learner_patience(&f.learner) >= 1 &&
                    learner_patience(&f.learner) <= 24);
    }
}

static void
the_mixture_is_the_weighted_sum_of_the_forecasters(void **state)
{
    struct gt_rng rng = {.state = 2};
    struct fixture f;
    struct curve curve;
    (void)state;

    start(&f, GT_CPU, 1);
    for (int i = 0; i < 300; i++) {
        tick(&f, &rng, 0.1, 1 + i % 7);
    }

    for (int i = 0; i < 20; i++) {
        double x = 0.3 * i;
        double sum = 0;
        for (int j = 0; j < DEMAND_FORECASTERS; j++) {
            demand_curve_of(&f.demand, j, &curve);
            sum += learner_weight(&f.learner, j) * curve_unserved(&curve, x);
        }
        assert_true(fabs(learner_unserved(&f.learner, x) - sum) < 1e-9);
    }
}

static void
the_average_regret_of_a_steady_source_vanishes(void **state)
{
    struct gt_rng rng = {.state = 3};
    struct fixture f;
    double window = 0; /* ticks, discounted like the regrets */
    double worst = 0;
    (void)state;

    start(&f, GT_CPU, 1);
    for (int i = 0; i < 3000; i++) {
        tick(&f, &rng, 0.5, 1.5);
        window = window * exp2(-15 / (6 * 3600.0)) + 1;
    }
    for (int e = 0; e < LEARNER_SHADOWS; e++) {
        worst = fmax(worst, f.learner.shadows[e].regret);
    }

    /* a tick costs 1.5 and more */
    assert_true(worst / window <= 0.05 * 1.5);
}

static void
regular_bursts_teach_a_long_memory(void **state)
{
    struct gt_rng rng = {.state = 4};
    struct fixture f;
    (void)state;

    /* one minute in five is high: the last minute says nothing about it */
    start(&f, GT_CPU, 1);
    for (int i = 0; i < 3000; i++) {
        tick(&f, &rng, i % 20 < 4 ? 3.8 : 0.9, i % 20 < 4 ? 4 : 1.1);
    }

    double late = learner_weight(&f.learner, 0) + learner_weight(&f.learner, 1);
    assert_true(late < 0.1);
    assert_true(learner_unserved(&f.learner, 3.5) > 0.05);
}

static void
the_regrets_of_the_played_mixture_average_to_nothing(void **state)
{
    struct gt_rng rng = {.state = 5};
    struct fixture f;
    double before[LEARNER_SHADOWS];
    double keep = exp2(-15 / (6 * 3600.0));
    (void)state;

    start(&f, GT_CPU, 1);
    for (int i = 0; i < 500; i++) {
        double sum = 0;
        double weight[LEARNER_SHADOWS];
        for (int e = 0; e < LEARNER_SHADOWS; e++) {
            before[e] = f.learner.shadows[e].regret;
            weight[e] = f.learner.shadows[e].weight;
        }
        tick(&f, &rng, 0.1, 0.2 + 3 * gt_rng_unit(&rng));
        for (int e = 0; e < LEARNER_SHADOWS; e++) {
            sum += weight[e] * (f.learner.shadows[e].regret - keep * before[e]);
        }
        assert_true(fabs(sum) < 1e-9);
    }
}

static void
stored_regrets_may_be_negative(void **state)
{
    struct gt_rng rng = {.state = 6};
    struct fixture f;
    double lowest = 0;
    (void)state;

    start(&f, GT_CPU, 1);
    for (int i = 0; i < 500; i++) {
        tick(&f, &rng, 0.5, 1.5);
    }
    for (int e = 0; e < LEARNER_SHADOWS; e++) {
        lowest = fmin(lowest, f.learner.shadows[e].regret);
    }

    assert_true(lowest < -1);
}

static void
a_shadow_shrinks_when_its_patience_is_over_and_pays_for_it(void **state)
{
    struct gt_rng rng = {.state = 12};
    struct fixture f;
    const struct learner_shadow *hasty = &f.learner.shadows[0];
    const struct learner_shadow *calm = &f.learner.shadows[3];
    (void)state;

    start(&f, GT_CPU, 1);
    for (int i = 1; i <= 23; i++) {
        tick(&f, &rng, 0.1, 0.11);
        assert_true(hasty->level < 44);
        assert_int_equal(calm->level, 44);
        if (i == 1) {
            /* 15 s of the two cores that it left, over a tick of 15 s */
            assert_true(fabs(calm->regret - hasty->regret - 2) < 1e-9);
        }
    }
    tick(&f, &rng, 0.1, 0.11);

    assert_true(calm->level < 44);
}

static void
a_risen_floor_lifts_the_shadows_at_once(void **state)
{
    struct gt_rng rng = {.state = 13};
    struct fixture f;
    (void)state;

    start(&f, GT_CPU, 1);
    for (int i = 0; i < 100; i++) {
        tick(&f, &rng, 0.1, 0.11);
    }
    f.stakes.floor = 4;
    tick(&f, &rng, 0.1, 0.11);

    for (int e = 0; e < LEARNER_SHADOWS; e++) {
        assert_int_equal(f.learner.shadows[e].level, 48);
    }
}

static void
a_limit_of_twice_the_request_lets_shadows_hold_half(void **state)
{
    struct gt_rng rng = {.state = 14};
    struct fixture one;
    struct fixture two;
    (void)state;

    start(&one, GT_CPU, 1);
    start(&two, GT_CPU, 1);
    two.stakes.beta = 2;
    for (int i = 0; i < 100; i++) {
        tick(&one, &rng, 1, 1);
        tick(&two, &rng, 1, 1);
    }

    for (int e = 0; e < LEARNER_SHADOWS; e++) {
        assert_int_equal(two.learner.shadows[e].level,
                         one.learner.shadows[e].level - 4);
    }
}

static void
shadows_stay_between_floor_and_max(void **state)
{
    struct gt_rng rng = {.state = 7};
    struct fixture f;
    (void)state;

    start(&f, GT_CPU, 1);
    f.stakes.floor = 0.5;
    f.stakes.max = 2;
    for (int i = 0; i < 500; i++) {
        tick(&f, &rng, 0.01, i % 100 < 50 ? 0.02 : 8);
        for (int e = 0; e < LEARNER_SHADOWS; e++) {
            int level = f.learner.shadows[e].level;
            assert_true(level >= 36 && level <= 44);
        }
    }
}

static void
the_unit_of_a_resource_changes_no_probability_and_no_level(void **state)
{
    struct gt_rng small_rng = {.state = 8};
    struct gt_rng large_rng = {.state = 8};
    struct gt_rng high = {.state = 9};
    struct fixture small;
    struct fixture large;
    (void)state;

    start(&small, GT_MEMORY, 64);
    start(&large, GT_MEMORY, 64.0 * 1024);
    for (int i = 0; i < 2000; i++) {
        double to = 0.2 + 4 * gt_rng_unit(&high);
        tick(&small, &small_rng, 0.1, to);
        tick(&large, &large_rng, 0.1, to);
    }

    for (int e = 0; e < LEARNER_SHADOWS; e++) {
        const struct learner_shadow *a = &small.learner.shadows[e];
        const struct learner_shadow *b = &large.learner.shadows[e];
        assert_true(a->weight == b->weight);
        assert_int_equal(a->level + 40, b->level);
        assert_true(1024 * a->regret == b->regret);
    }
    assert_true(1024 * learner_unserved(&small.learner, 100) ==
                learner_unserved(&large.learner, 1024 * 100.0));
}

static void
a_tick_without_samples_teaches_nothing(void **state)
{
    struct gt_rng rng = {.state = 10};
    struct fixture f;
    (void)state;

    start(&f, GT_CPU, 1);
    for (int i = 0; i < 100; i++) {
        tick(&f, &rng, 0.5, 1.5);
    }
    struct learner before = f.learner;
    demand_tick(&f.demand);
    learner_tick(&f.learner, &f.demand, &f.stakes);

    assert_memory_equal(&f.learner, &before, sizeof(before));
}

static void
a_refresh_sees_the_peak_of_the_running_tick(void **state)
{
    struct gt_rng rng = {.state = 11};
    struct demand_sample peak = {.usage = 6, .seconds = 1};
    struct fixture f;
    (void)state;

    start(&f, GT_CPU, 1);
    tick(&f, &rng, 0.9, 1.1);
    demand_add(&f.demand, &peak);
    double before = learner_unserved(&f.learner, 4);
    learner_refresh(&f.learner, &f.demand);

    assert_true(before == 0);
    assert_true(learner_unserved(&f.learner, 4) > 0);
}

static void
a_container_is_learnt_in_64_kib(void **state)
{
    (void)state;

    assert_true(GT_RESOURCES *
                    (sizeof(struct demand) + sizeof(struct learner)) <=
                65536);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_guess_is_the_last_minute_and_some_patience),
        cmocka_unit_test(probabilities_add_up_to_one),
        cmocka_unit_test(the_mixture_is_the_weighted_sum_of_the_forecasters),
        cmocka_unit_test(the_average_regret_of_a_steady_source_vanishes),
        cmocka_unit_test(regular_bursts_teach_a_long_memory),
        cmocka_unit_test(the_regrets_of_the_played_mixture_average_to_nothing),
        cmocka_unit_test(stored_regrets_may_be_negative),
        cmocka_unit_test(shadows_stay_between_floor_and_max),
        cmocka_unit_test(
            the_unit_of_a_resource_changes_no_probability_and_no_level),
        cmocka_unit_test(a_tick_without_samples_teaches_nothing),
        cmocka_unit_test(a_refresh_sees_the_peak_of_the_running_tick),
        cmocka_unit_test(a_container_is_learnt_in_64_kib),
        cmocka_unit_test(
            a_shadow_shrinks_when_its_patience_is_over_and_pays_for_it),
        cmocka_unit_test(a_risen_floor_lifts_the_shadows_at_once),
        cmocka_unit_test(a_limit_of_twice_the_request_lets_shadows_hold_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
