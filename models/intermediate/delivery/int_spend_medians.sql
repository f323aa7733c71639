{{ tiered_spend_median(ref('int_spends_observed'), ref('int_deliveries_missing_spend')) }}
