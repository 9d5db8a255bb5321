/* SPDX-License-Identifier: MIT */
#include "reports/stats.h"
