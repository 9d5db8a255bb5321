/* SPDX-License-Identifier: MIT */
/* What the search of the tuner did: figures of the page Tuner (page_tuner.c). */
#ifndef DISENTUNE_PAGE_SEARCH_H
#define DISENTUNE_PAGE_SEARCH_H

#include "reports/page.h"

/* Tiles, rounds, and what the model of cost foresaw, as far as there are data. DT_NO_MEMORY. */
enum dt_status dt_page_search(FILE *out, const struct dt_page_data *data);

/* 1 (slow) to 5 (within 2 % of the winner): the classes h1 ... h5 of the style sheet. */
int dt_page_heat(double share);

/* A square of a heat map that tells a share of the winner's speed; the best one has a star. */
void dt_page_heat_cell(FILE *out, double x, double y, double width, double height, double share,
                       bool best);

#endif
